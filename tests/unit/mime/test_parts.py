"""Parts: encodings, files and their names."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailit.mime.parts import file_part, text_part


def read(raw: bytes) -> EmailMessage:
    assert raw.isascii()
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    return email.message_from_bytes(raw, policy=email.policy.SMTP)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain\r\ntext\nwith\rany line end", "7bit"),
        ("x" * 991, "quoted-printable"),
        ("a long line " * 200_000, "quoted-printable"),
        ("Viele Grüße aus dem schönen Rheinland, " * 50, "quoted-printable"),
        ("注文が発送されました。" * 50, "base64"),
        ("", "7bit"),
    ],
)
def test_the_encoding_suits_the_text(text: str, encoding: str) -> None:
    part = read(text_part("plain", text))
    assert part["Content-Transfer-Encoding"] == encoding
    body = part.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert body.decode() == "\r\n".join(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def test_a_text_with_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        text_part("html", "a\0b")


def test_a_calendar_keeps_its_type_and_method() -> None:
    part = read(file_part("invite.ics", "text/calendar; method=REQUEST; charset=utf-8", b"BEGIN:VCALENDAR", None))
    assert (part.get_content_type(), part.get_param("method")) == ("text/calendar", "REQUEST")
    assert part.get_content_disposition() == "attachment"


@pytest.mark.parametrize(
    "kind", ["multipart/mixed", "MESSAGE/rfc822", "nonsense", "a/b\r\nBcc: x", "a/b; c", "", "é/b"]
)
def test_a_type_that_cannot_be_is_a_stream_of_octets(kind: str) -> None:
    assert read(file_part("f", kind, b"x", None)).get_content_type() == "application/octet-stream"


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), min_size=1, max_size=200)
    .map(str.strip)
    .filter(bool)
)
def test_a_file_name_arrives_whole_and_has_a_plain_form_beside_it(name: str) -> None:
    raw = file_part(name, "application/pdf", b"x", None)
    assert read(raw).get_filename() == name
    assert b' filename="' in raw


@pytest.mark.parametrize("bad", ["a\r\nb.pdf", "a\0b.pdf", "a\u2028b.pdf", "invoice\u202efdp.exe"])
def test_a_file_name_brings_no_controls_to_the_reader(bad: str) -> None:
    name = read(file_part(bad, "application/pdf", b"x", None)).get_filename()
    assert name is not None
    assert name.isprintable()
    assert "_" in name
