"""Header fields: what users may set, and how values become ASCII lines (RFC 5322 §2.2, RFC 2047)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Sequence

from mailit.domain.addresses import Mailbox
from mailit.mime.idn import to_a_label
from mailit.mime.message_id import is_message_id

LINE = 76  # aim for a header line
_WORD = 900  # a longer word cannot stand on a line of 998 (RFC 5322 §2.1.1) with a name before it

_NAME = re.compile(r"[!-9;-~]{1,76}")  # ftext, RFC 5322 §3.6.8
_BREAKS = re.compile(r"[\r\n\x00]")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_AS_IS = re.compile(r"[\t -~]*")  # needs no encoding; some readers break lines at other controls, too
_LIKE_ENCODED = re.compile(r"=\?[^?]*\?[bBqQ]\?")  # would be decoded (RFC 2047 §2); a mere `=?` is at home in URLs
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\- ]+")

_OURS = frozenset(
    (
        "from",
        "to",
        "cc",
        "bcc",
        "subject",
        "date",
        "sender",
        "reply-to",
        "received",
        "return-path",
        "dkim-signature",
        "domainkey-signature",
        "authentication-results",
        "received-spf",
        "mime-version",
        "delivered-to",
        "x-original-to",
    )
)
_OUR_PREFIXES = ("content-", "arc-", "resent-")
# RFC 5322 §3.6, RFC 2369 §3.4, RFC 3834 §5: at most one of each.
_SINGLE = frozenset(
    {"message-id", "in-reply-to", "references", "auto-submitted", "feedback-id", "importance", "precedence", "priority"}
)
_SINGLE_PREFIX = "list-"


def check_custom_header(name: str, value: str) -> None:
    """ValueError, in words for the API's caller, when a user may not set this header."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"Invalid `headers` field. `{_shown(name)}` is not a header name.")
    lower = name.lower()
    if lower in _OURS or lower.startswith(_OUR_PREFIXES):
        raise ValueError(f"Invalid `headers` field. The `{name}` header cannot be set.")
    if _CONTROL.search(value):
        raise ValueError(f"Invalid `headers` field. The value of `{name}` contains control characters.")
    if lower == "message-id" and not is_message_id(value.strip()):
        raise ValueError("Invalid `headers` field. `Message-ID` needs to follow the `<id@domain>` format.")
    if value.isascii() and any(len(word) > _WORD for word in value.split()):
        raise ValueError(f"Invalid `headers` field. The value of `{name}` has a word that is too long.")


def check_custom_headers(fields: Iterable[tuple[str, str]]) -> None:
    """The same for all of them together: ValueError also when one that may stand once is given twice."""
    seen: set[str] = set()
    for name, value in fields:
        check_custom_header(name, value)
        lower = name.lower()
        if lower in seen and (lower in _SINGLE or lower.startswith(_SINGLE_PREFIX)):
            raise ValueError(f"Invalid `headers` field. The `{name}` header is given twice.")
        seen.add(lower)


def _shown(text: str) -> str:
    return "".join(mark if mark.isprintable() else "?" for mark in text[:80])


def field(name: str, value: str) -> bytes:
    """`Name: value` as folded lines with CRLF; non-ASCII text as encoded words. ValueError on line breaks."""
    _refuse_breaks(name, value)
    value = value.strip(" \t")
    start = f"{name}: "
    if _AS_IS.fullmatch(value) and not _LIKE_ENCODED.search(value):
        if len(start) + len(value) <= LINE:
            return f"{start}{value}\r\n".encode()
        words = value.split(" ")
        if all(len(word) <= _WORD for word in words):
            return _fold(start, words)
    return _fold(start, encoded_words(value, LINE - len(start)))


def _refuse_breaks(*texts: str) -> None:
    if any(_BREAKS.search(text) for text in texts):
        raise ValueError("a header must not contain line breaks")


def _fold(start: str, words: Iterable[str]) -> bytes:
    """The words with a blank between, on lines of at most LINE where words allow it. A run of blanks stays within its
    line, since a line of blanks alone is not allowed (RFC 5322 §2.2.3)."""
    lines = [start]
    for word in words:
        line = lines[-1]
        first = line == start
        if not first and len(line) + 1 + len(word) > LINE and word and line.strip(" \t"):
            lines.append(" " + word)
        else:
            lines[-1] = line + ("" if first else " ") + word
    return "\r\n".join(lines).encode("utf-8") + b"\r\n"


def encoded_words(text: str, room: int = LINE) -> list[str]:
    """RFC 2047 §2: words of at most 75 characters, split between characters, base64. The first takes
    at most `room`, or has one character."""
    words: list[str] = []
    piece = bytearray()
    most = _octets(room)
    for mark in text:
        octets = mark.encode("utf-8", "replace")
        if piece and len(piece) + len(octets) > most:
            words.append(_encoded(bytes(piece)))
            piece.clear()
            most = _octets(LINE - 1)
        piece += octets
    if piece:
        words.append(_encoded(bytes(piece)))
    return words


def _octets(room: int) -> int:
    """How many octets an encoded word of `room` characters holds."""
    return (min(room, 75) - len("=?utf-8?B??=")) // 4 * 3


def _encoded(octets: bytes) -> str:
    return f"=?utf-8?B?{binascii.b2a_base64(octets, newline=False).decode()}?="


def address_field(name: str, mailboxes: Sequence[Mailbox]) -> bytes:
    """`Name: mailbox, mailbox` as folded lines. Local parts beyond ASCII stay as they are (RFC 6532)."""
    words: list[str] = []
    for number, mailbox in enumerate(mailboxes):
        spelled = spell(mailbox, LINE - len(name) - 2 if number == 0 else LINE - 1)
        words += spelled[:-1]
        words.append(spelled[-1] + ("," if number + 1 < len(mailboxes) else ""))
    _refuse_breaks(*words, *(mailbox.display_name for mailbox in mailboxes))
    return _fold(f"{name}: ", words)


def spell(mailbox: Mailbox, room: int = LINE) -> list[str]:
    """A mailbox as words that may be folded between. `room`: on the line where it begins."""
    address = f"{mailbox.local}@{to_a_label(mailbox.domain)}"
    name = mailbox.display_name
    if not name:
        return [address]
    if not _AS_IS.fullmatch(name) or _LIKE_ENCODED.search(name):
        return [*encoded_words(name, room), f"<{address}>"]
    if _PLAIN_NAME.fullmatch(name) and "  " not in name and name == name.strip():
        return [*name.split(" "), f"<{address}>"]
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{escaped}"', f"<{address}>"]
