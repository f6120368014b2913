"""A message as it goes over the wire: dots stuffed, end marked (RFC 5321 §4.5.2). Bytes only, no line splitting."""

from __future__ import annotations

import re

_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)|\x00")


def stuff(message: bytes) -> bytes:
    """`message` (CRLF line ends) with leading dots doubled and the final dot. ValueError for a bare CR or LF or a NUL:
    a receiver that takes one for a line end could be made to see two messages (SMTP smuggling)."""
    if _BARE.search(message):
        raise ValueError("the message has bare line ends or NUL")
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") or not stuffed else b"\r\n.\r\n")
