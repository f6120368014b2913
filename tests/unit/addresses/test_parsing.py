"""One parser: what it lets through means the same to everybody who reads it later."""

from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailit.domain.addresses import Mailbox, parse_mailbox
from mailit.mime.headers import spell
from mailit.mime.idn import to_a_label

atoms = st.text("abz09!#$%&'*+-/=?^_`{|}~éÜ日", min_size=1, max_size=12)
quoted = st.text("ab .,:;@()[]!", min_size=1, max_size=20).map(lambda text: f'"{text}"')
names = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])
)
domains = st.lists(st.text("abz09é", min_size=1, max_size=10), min_size=1, max_size=3).map(
    lambda labels: ".".join([*labels, "test"])
)


@given(names, atoms | quoted, domains)
def test_what_is_written_for_a_mailbox_parses_to_the_same_mailbox(name: str, local: str, domain: str) -> None:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    box = parse_mailbox(f'"{escaped}" <{local}@{domain}>')
    written = " ".join(spell(box))
    if not name.isascii() or "=?" in name:
        assert written.isascii() or not local.isascii()
        return
    assert parse_mailbox(written) == Mailbox(name, box.local, to_a_label(box.domain))


@given(names, atoms.filter(str.isascii) | quoted, domains)
def test_another_parser_sees_the_same_address(name: str, local: str, domain: str) -> None:
    box = Mailbox(name.strip(), local, to_a_label(domain))
    raw = ("To: " + " ".join(spell(box)) + "\r\n\r\n").encode()
    (seen,) = email.message_from_bytes(raw, policy=email.policy.SMTP)["To"].addresses
    assert (seen.username, seen.domain) == (local.strip('"') if local[0] == '"' else local, box.domain)
    # `email` keeps the blank between two encoded words of a name, against RFC 2047 §6.2: compared without blanks.
    assert "".join(seen.display_name.split()) == "".join(name.split())


@pytest.mark.parametrize(
    "text",
    [
        '"x <a@evil.test> y"@b.test',  # angle brackets in a quoted local part mislead lesser parsers
        "a@b.test\u3002",  # the ideographic full stop is a dot once it is an A-label
        "a@b\uff0etest.example",
        "a@b\uff61test.example",
        "<@r.test:a@b.test>",
        "a@b.test, c@d.test",
        "a@b.test c@d.test",
        "A (comment) a@b.test",
        "a@b.test (comment)",
        "undisclosed-recipients:;",
        "a@\u00a0b.test",
        "a@b.test\x85",
        "\ud800@b.test",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_mailbox(text)


def test_two_spellings_of_one_letter_are_one_address() -> None:
    assert parse_mailbox("jose\u0301@b.test") == parse_mailbox("jos\u00e9@b.test")


@pytest.mark.parametrize(
    "domain", ["127.0.0.\u2460", "b\u3002c.", "b.\u2460", "b_\u00fc.test", "\u00fc" * 60 + ".test"]
)
def test_a_domain_that_turns_into_something_else_is_none(domain: str) -> None:
    with pytest.raises(ValueError, match="not a domain name"):
        to_a_label(domain)
