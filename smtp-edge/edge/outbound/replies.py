"""Parsing SMTP replies from bytes as they come (RFC 5321 §4.2, RFC 2034)."""

from __future__ import annotations

import re

from edge.outbound.failures import Reply

MAX_LINE = 4096  # RFC 5321 §4.5.3.1.5 says 512; seen longer
MAX_LINES = 100
MAX_REPLIES = 20  # that came at once; at most three are asked for
_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")


class Garbage(ValueError):
    """The other side does not speak SMTP."""


class Replies:
    """Feed it bytes, take whole replies."""

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[tuple[int, str]] = []

    @property
    def pending(self) -> bool:
        """True when something came that is no whole reply yet."""
        return bool(self._buffer or self._lines)

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that are whole now; `Garbage` when they never will be."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        found: list[Reply] = []
        for line in lines:
            if self._take(line.removesuffix(b"\r")):
                found.append(self._finish())
            if len(found) > MAX_REPLIES:
                raise Garbage("more replies than commands")
        if len(self._buffer) > MAX_LINE:
            raise Garbage("a reply line is too long")
        return found

    def _take(self, line: bytes) -> bool:
        """Keeps a line; True when it is the last of its reply."""
        match = _LINE.fullmatch(line)
        if match is None or len(line) > MAX_LINE or len(self._lines) >= MAX_LINES:
            raise Garbage("not an SMTP reply")
        code, mark, text = int(match[1]), match[2], (match[3] or b"").decode("utf-8", "replace")
        if self._lines and self._lines[0][0] != code:
            raise Garbage("the lines of a reply have different codes")
        self._lines.append((code, text))
        return mark != b"-"

    def _finish(self) -> Reply:
        lines, self._lines = self._lines, []
        found = _ENHANCED.match(lines[0][1])
        return Reply(lines[0][0], found[1] if found else "", "\n".join(text for _, text in lines))


def bare_texts(reply: Reply) -> list[str]:
    """The lines of a reply, for EHLO keywords."""
    return reply.text.split("\n")
