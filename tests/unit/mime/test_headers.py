"""What users may put into headers, and what becomes of it; Python's `email` is the referee."""

from __future__ import annotations

import email
import email.policy
import re
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailit.domain.addresses import Mailbox
from mailit.mime.build import Draft, build
from mailit.mime.headers import address_field, check_custom_header, check_custom_headers, field
from mailit.mime.message_id import is_message_id

HEADER_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,60}", fullmatch=True)


def draft(*headers: tuple[str, str]) -> Draft:
    box = (Mailbox("", "a", "acme.test"),)
    return Draft(from_=box, to=box, subject="Hi", date=0, message_id="<1@acme.test>", text="x", headers=headers)


def has_good_lines(raw: bytes) -> bool:
    lines = raw.split(b"\r\n")
    return lines.pop() == b"" and all(
        line.strip() and len(line) <= 998 and not set(line) & set(b"\r\n\0") for line in lines
    )


@given(HEADER_NAMES, st.text(max_size=400))
def test_any_value_becomes_good_lines_that_read_back_or_is_refused(name: str, value: str) -> None:
    if any(mark in value for mark in "\r\n\0"):
        with pytest.raises(ValueError, match="line breaks"):
            field(name, value)
        return
    raw = field(name, value)
    assert raw.isascii()
    assert has_good_lines(raw)
    for line in raw.split(b"\r\n"):
        assert len(line) <= 76 or b"=?" not in line or len(name) > 60
    assert re.match(rb"[^:\s]+: ", raw)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=200))
def test_a_value_beyond_ascii_reads_back(value: str) -> None:
    message = email.message_from_bytes(field("X-A", value) + b"\r\n", policy=email.policy.SMTP)
    assert str(message["X-A"]).split() == value.split()


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=120), min_size=1, max_size=5))
def test_many_recipients_with_any_names_read_back(names: list[str]) -> None:
    boxes = [Mailbox(name.strip(), f"u{number}", "example.net") for number, name in enumerate(names)]
    raw = address_field("To", boxes)
    assert raw.isascii()
    assert has_good_lines(raw)
    found = email.message_from_bytes(raw + b"\r\n", policy=email.policy.SMTP)["To"].addresses
    assert [box.address for box in boxes] == [item.addr_spec for item in found]
    # `email` keeps the blank between two encoded words of a name, against RFC 2047 §6.2: compared without blanks.
    assert ["".join(box.display_name.split()) for box in boxes] == [
        "".join(item.display_name.split()) for item in found
    ]


@given(st.text(st.characters(min_codepoint=0xA1, max_codepoint=0x2FFF, exclude_categories=["Cc", "Cf", "Cs", "Z"])))
def test_a_name_in_several_encoded_words_reads_as_one(name: str) -> None:
    raw = address_field("To", [Mailbox(f"{name} é {name}", "a", "b.test")])
    value = email.message_from_bytes(raw + b"\r\n")["To"]
    assert str(make_header(decode_header(value))) == f"{name} é {name} <a@b.test>"


def test_controls_that_some_readers_take_for_line_ends_are_encoded() -> None:
    raw = field("Subject", "a\x0bBcc: b@c.test\x1cX: y\x85z")
    assert raw.startswith(b"Subject: =?utf-8?B?")
    assert raw.count(b"\r\n") == 1


def test_what_looks_like_an_encoded_word_arrives_as_written_and_a_url_stays_one() -> None:
    message = email.message_from_bytes(field("Subject", "a =?utf-8?q?b?= c") + b"\r\n", policy=email.policy.SMTP)
    assert str(message["Subject"]) == "a =?utf-8?q?b?= c"
    assert field("List-Unsubscribe", "<https://x.test/?a=?b>") == b"List-Unsubscribe: <https://x.test/?a=?b>\r\n"


@pytest.mark.parametrize(
    "name",
    ["From", "to", "CC", "Bcc", "Subject", "Date", "Sender", "Reply-To", "Received", "Return-Path", "DKIM-Signature",
     "ARC-Seal", "Authentication-Results", "MIME-Version", "Content-Type", "content-transfer-encoding", "Resent-To"],
)  # fmt: skip
def test_headers_that_are_ours_cannot_be_set(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be set"):
        check_custom_header(name, "x")


@pytest.mark.parametrize("name", ["", "A B", "A:", "Ä", "A\r\nBcc", "A\t", "A" * 77])
def test_what_is_no_header_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a header name"):
        check_custom_header(name, "x")


def test_a_word_that_fits_on_no_line_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="too long"):
        check_custom_header("References", "<" + "a" * 1000 + "@b.test>")


@pytest.mark.parametrize("name", ["List-Unsubscribe", "In-Reply-To", "references", "Feedback-ID"])
def test_what_may_stand_once_cannot_be_given_twice(name: str) -> None:
    with pytest.raises(ValueError, match="given twice"):
        check_custom_headers([(name, "<a@b>"), (name.upper(), "<c@d>")])


def test_a_message_never_has_two_message_ids() -> None:
    with pytest.raises(ValueError, match="given twice"):
        build(draft(("Message-Id", "<2@acme.test>")))


def test_a_free_header_may_be_given_twice() -> None:
    raw = build(draft(("X-Tag", "a"), ("X-Tag", "b")))
    assert raw.count(b"\r\nX-Tag: ") == 2


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("<a@b>", True),
        ("<a.b+c@d.test>", True),
        ("a@b", False),
        ("<a@b> x", False),
        ("<a b@c>", False),
        ("<.a@b>", False),
        ("<a@b..c>", False),
        ("<@b>", False),
        ("<" + "a" * 400 + "@b>", False),
    ],
)
def test_message_ids(text: str, is_one: bool) -> None:
    assert is_message_id(text) is is_one
