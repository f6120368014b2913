"""Relaxed canonicalisation (RFC 6376 §3.4.2, §3.4.4)."""

from __future__ import annotations

import re

_BLANKS = re.compile(rb"[ \t]+")
_BLANKS_AT_END = re.compile(rb"[ \t]+(?=\r\n)")

Field = tuple[bytes, bytes]
"""(name as it stands, all after the colon with its line ends)."""


def split(message: bytes) -> tuple[list[Field], bytes]:
    """Header fields in order, and the body. ValueError when the head is no head."""
    head, _, body = message.partition(b"\r\n\r\n")
    fields: list[Field] = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t"):
            if not fields:
                raise ValueError("the header begins with a continuation line")
            name, value = fields[-1]
            fields[-1] = (name, value + b"\r\n" + line)
            continue
        name, colon, value = line.partition(b":")
        if not colon:
            raise ValueError("a header line has no colon")
        fields.append((name, value))
    return fields, body


def relaxed_field(name: bytes, value: bytes) -> bytes:
    """`name:value` without its line end."""
    unfolded = value.replace(b"\r\n", b"")
    return name.strip().lower() + b":" + _BLANKS.sub(b" ", unfolded).strip(b" ")


def relaxed_body(body: bytes) -> bytes:
    """Blanks folded and dropped at line ends, no empty lines at the end."""
    if b" \r\n" in body or b"\t" in body or body.endswith(b" "):
        body = _BLANKS_AT_END.sub(b"", body)
        body = body.rstrip(b" \t") if not body.endswith(b"\r\n") else body
    if b"  " in body or b"\t" in body:
        body = _BLANKS.sub(b" ", body)
    end = len(body)
    while body[end - 2 : end] == b"\r\n":
        end -= 2
    return body[:end] + b"\r\n" if end else b""
