"""A message as it goes over the wire: dots stuffed, end marked (RFC 5321 §4.5.2). Bytes only, no line splitting."""

from __future__ import annotations


def stuff(message: bytes) -> bytes:
    """`message` (CRLF line ends) with leading dots doubled and the final dot. ValueError for a bare CR or LF or a NUL:
    a receiver that takes one for a line end could be made to see two messages (SMTP smuggling)."""
    ends = message.count(b"\r\n")
    # Counted, not searched for with a regular expression: that took 130 µs for 6.6 KB, most of a delivery.
    if message.count(b"\n") != ends or message.count(b"\r") != ends or b"\x00" in message:
        raise ValueError("the message has bare line ends or NUL")
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") or not stuffed else b"\r\n.\r\n")
