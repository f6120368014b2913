"""Relaxed canonicalisation (RFC 6376 §3.4.2, §3.4.4). Time is linear in the message, whatever is in it."""

from __future__ import annotations

import re

_FIELD_END = re.compile(rb"\r\n(?![ \t])")
_NAME = re.compile(rb"[!-9;-~]+")  # ftext, RFC 5322 §3.6.8
_RUN = re.compile(rb"[ \t]{2,}|\t")  # what is more than one space; single ones need no work

Field = tuple[bytes, bytes]
"""(name as it stands, all after the colon without the last line end)."""


def split(message: bytes) -> tuple[list[Field], bytes]:
    """Header fields in order, and the body. ValueError when the head is no head, or lines end in other than CRLF:
    readers do not agree on what such a message says (RFC 5322 §2.3)."""
    ends = message.count(b"\n")
    if message.count(b"\r") != ends or message.count(b"\r\n") != ends:
        raise ValueError("a message with bare line ends cannot be signed")
    head, _, body = message.partition(b"\r\n\r\n")
    return [_field(text) for text in _FIELD_END.split(head)], body


def _field(text: bytes) -> Field:
    name, colon, value = text.partition(b":")
    if not colon or not _NAME.fullmatch(name):
        raise ValueError("a header line does not begin with a name and a colon")
    return name, value


def relaxed_field(name: bytes, value: bytes) -> bytes:
    """`name:value` without its line end."""
    unfolded = value.replace(b"\r\n", b"")
    return name.lower() + b":" + _RUN.sub(b" ", unfolded).strip(b" ")


def relaxed_body(body: bytes) -> bytes:
    """Blanks folded and dropped at line ends, no empty lines at the end. `body` has no bare CR or LF."""
    if b"  " in body or b"\t" in body:
        body = _RUN.sub(b" ", body)
    body = body.replace(b" \r\n", b"\r\n").removesuffix(b" ").rstrip(b"\r\n")
    return body + b"\r\n" if body else b""
