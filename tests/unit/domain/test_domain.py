"""The rules: ids, states, lanes, retries, printed times, catalogue."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.catalogue import BadCatalogue, load
from mailit.bounce.classify import classify
from mailit.domain.api_keys import digest, looks_like_token, new_token
from mailit.domain.emails import OPEN_STATES, STATE_MOVES, Event, State, may_move
from mailit.domain.ids import Ids, is_uuid, successor
from mailit.domain.lanes import SHARES, TURNS
from mailit.domain.retries import DELIVERY, parse_schedule, pause_after
from mailit.domain.times import SECOND, iso_text, postgres_text


def test_ids_ascend_also_within_a_millisecond_and_over_threads() -> None:
    ids = Ids()
    one = [ids.new(1_795_000_000_000_000) for _ in range(10_000)]
    assert one == sorted(one)
    with ThreadPoolExecutor(8) as pool:
        many = list(pool.map(lambda _: ids.new(1_795_000_000_000_001), range(2000)))
    assert len(set(one + many)) == 12_000
    assert all(is_uuid(item) and item[14] == "7" for item in one + many)


def test_an_id_and_its_successors_are_ids_in_order() -> None:
    start = Ids().new(1_795_000_000_000_000)
    row = [successor(start, number) for number in range(100)]
    assert row[0] == start
    assert row == sorted(set(row))
    assert all(is_uuid(item) and item[14] == "7" and item[19] in "89ab" for item in row)


def test_only_open_states_lead_back_to_sending() -> None:
    assert {state for state in State if set(STATE_MOVES[state]) & OPEN_STATES} == OPEN_STATES
    for final in (State.BOUNCED, State.FAILED, State.SUPPRESSED, State.COMPLAINED, State.CANCELED):
        assert not STATE_MOVES[final]
    assert may_move(State.DELIVERED, State.COMPLAINED)
    assert not may_move(State.BOUNCED, State.DELIVERED)
    assert {state.value for state in State} <= {event.value for event in Event}


def test_lanes_have_their_shares_in_any_ten_turns() -> None:
    for start in range(10):
        window = [TURNS[(start + number) % len(TURNS)] for number in range(10)]
        assert {lane: window.count(lane) for lane in SHARES} == SHARES


def test_the_delivery_schedule_ends_after_its_eighth_pause() -> None:
    pauses = [pause_after(attempt) for attempt in range(1, 10)]
    assert [pause // SECOND for pause in pauses if pause] == [10, 30, 60, 300, 900, 1800, 3600, 7200]
    assert pauses[-1] is None
    assert parse_schedule("10,30,60,300,900,1800,3600,7200") == DELIVERY
    for bad in ("", "x", "0", "-1", "10,,20"):
        with pytest.raises(ValueError, match=r".+"):
            parse_schedule(bad)


@pytest.mark.parametrize(
    ("moment", "postgres", "iso"),
    [
        (1_764_535_199_540_771, "2025-11-30 20:39:59.540771+00", "2025-11-30T20:39:59.540Z"),
        (1_764_535_199_540_000, "2025-11-30 20:39:59.54+00", "2025-11-30T20:39:59.540Z"),
        (1_764_535_190_000_000, "2025-11-30 20:39:50+00", "2025-11-30T20:39:50.000Z"),
    ],
)
def test_times_are_printed_as_the_live_api_does(moment: int, postgres: str, iso: str) -> None:
    assert (postgres_text(moment), iso_text(moment)) == (postgres, iso)


def test_tokens_are_long_different_and_stored_as_digests() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(looks_like_token(token) and len(token) == 36 for token in tokens)
    assert len(digest(tokens.pop())) == 64


@pytest.mark.parametrize(
    ("code", "enhanced", "stage", "permanent", "hard"),
    [
        (550, "5.1.1", "rcpt", True, True),
        (550, "5.7.1", "rcpt", True, False),
        (552, "5.2.2", "rcpt", True, False),
        (550, "", "rcpt", True, False),
        (450, "5.1.1", "rcpt", False, False),
        (550, "4.1.1", "rcpt", True, True),
        (556, "5.1.10", "dns", True, True),
        (550, "5.1.1", "mail", True, False),
        (421, "4.7.0", "banner", False, False),
        (0, "", "connect", False, False),
        (299, "", "dot", False, False),
        (600, "5.1.1", "rcpt", False, False),
    ],
)
def test_refusals_are_told_apart(code: int, enhanced: str, stage: str, permanent: bool, hard: bool) -> None:
    verdict = classify(code, enhanced, stage)
    assert (verdict.permanent, verdict.hard) == (permanent, hard)


def test_function_files_are_doorbells() -> None:
    found = load()
    assert {worker.spec.name for worker in found.workers} == {"dispatch", "record_results", "verify_domain"}
    assert {timer.spec.name for timer in found.timers} == {"release_due", "verify_domains", "cleanup_expired"}
    for file in (Path(__file__).parents[3] / "functions").glob("*/*.py"):
        lines = file.read_text().splitlines()
        assert len(lines) <= 60, file
    for function in found.routes:
        head = f'"""{function.spec.method} {function.spec.path}: '
        file = Path(__file__).parents[3] / "functions" / (function.spec.id.replace("-", "_") + ".py")
        assert file.read_text().startswith(head), file


def test_a_function_in_the_wrong_place_does_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "misplaced"
    (package / "emails").mkdir(parents=True)
    for folder in (package, package / "emails"):
        (folder / "__init__.py").touch()
    source = (Path(__file__).parents[3] / "functions" / "emails" / "get.py").read_text()
    (package / "emails" / "list.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BadCatalogue, match=r"misplaced\.emails\.list declares emails/get"):
        load("misplaced")
