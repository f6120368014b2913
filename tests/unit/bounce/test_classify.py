"""What a refusal means for the message and for the address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailit.bounce.classify import classify


@pytest.mark.parametrize(
    ("code", "enhanced", "permanent"),
    [
        (550, "5.1.1", True),
        (550, "", True),
        (554, "nonsense", True),
        (556, "5.1.10", True),
        (450, "4.2.0", False),
        (421, "", False),
        (0, "4.4.1", False),
        (200, "5.1.1", False),
        (999, "5.1.1", False),
    ],
)
def test_5xx_is_permanent_and_everything_else_may_still_work(code: int, enhanced: str, permanent: bool) -> None:
    assert classify(code, enhanced, "rcpt").permanent is permanent


@pytest.mark.parametrize(
    ("code", "enhanced", "permanent", "hard"), [(550, "4.1.1", True, True), (450, "5.1.1", False, False)]
)
def test_the_reply_code_wins_over_an_enhanced_code_that_contradicts_it(
    code: int, enhanced: str, permanent: bool, hard: bool
) -> None:
    verdict = classify(code, enhanced, "rcpt")
    assert (verdict.permanent, verdict.hard) == (permanent, hard)


@pytest.mark.parametrize(
    ("code", "enhanced", "stage", "reason"),
    [
        (550, "5.1.1", "rcpt", "user_unknown"),
        (550, "5.1.1", "dot", "user_unknown"),
        (551, "5.1.6", "rcpt", "moved"),
        (556, "5.1.10", "dns", "null_mx"),
        (550, "5.1.2", "dns", "host_unknown"),
    ],
)
def test_a_dead_address_is_hard(code: int, enhanced: str, stage: str, reason: str) -> None:
    verdict = classify(code, enhanced, stage)
    assert (verdict.hard, verdict.reason) == (True, reason)


@pytest.mark.parametrize(
    ("code", "enhanced", "reason"),
    [
        (552, "5.2.2", "mailbox_full"),
        (552, "5.3.4", "too_big"),
        (550, "5.7.1", "policy"),
        (550, "5.7.26", "authentication"),
        (554, "5.4.6", "loop"),
        (550, "", "other"),
        (554, "5.0.0", "other"),
    ],
)
def test_a_refusal_for_other_reasons_leaves_the_address_alone(code: int, enhanced: str, reason: str) -> None:
    verdict = classify(code, enhanced, "rcpt")
    assert (verdict.permanent, verdict.hard, verdict.reason) == (True, False, reason)


@pytest.mark.parametrize("stage", ["connect", "banner", "ehlo", "starttls", "mail"])
def test_who_was_not_asked_about_the_recipient_cannot_say_that_it_is_dead(stage: str) -> None:
    assert not classify(550, "5.1.1", stage).hard


@given(st.integers(), st.text(max_size=12), st.text(max_size=8))
def test_whatever_a_server_says_is_understood_somehow(code: int, enhanced: str, stage: str) -> None:
    verdict = classify(code, enhanced, stage)
    assert verdict.permanent or not verdict.hard
