"""From an email's parts to the bytes of a message: 7-bit clean, CRLF line ends, the same bytes every time.

    mixed( related( alternative( text, html ), inline files ), attached files )       only the levels that are needed

Bytes are put together directly: Python's `email` takes 1.9 ms for what takes 0.05 ms here (design §6).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mailit.domain.addresses import Mailbox
from mailit.domain.times import Micros, to_datetime
from mailit.mime import headers as header
from mailit.mime.parts import file_part, text_part

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file. With a `content_id` it is inline (`cid:…`)."""

    filename: str | None
    content_type: str
    content: bytes
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What a message says. Bcc is not here: it is never written (RFC 5321 §7.2)."""

    from_: Sequence[Mailbox]
    to: Sequence[Mailbox]
    subject: str
    date: Micros
    message_id: str
    cc: Sequence[Mailbox] = ()
    reply_to: Sequence[Mailbox] = ()
    text: str | None = None
    html: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    attachments: Sequence[Attachment] = field(default_factory=tuple)


def needs_smtputf8(draft: Draft) -> bool:
    """True when a header address has a local part beyond ASCII (RFC 6531 §3.3)."""
    boxes = (*draft.from_, *draft.to, *draft.cc, *draft.reply_to)
    return any(not box.local.isascii() for box in boxes)


def build(draft: Draft) -> bytes:
    """The message. ValueError when something would break a header or a body."""
    message = b"".join(_head(draft)) + b"MIME-Version: 1.0\r\n" + _body(draft)
    # The line end that SMTP would add (RFC 5321 §4.1.1.4): what is signed is what is sent.
    return message if message.endswith(b"\r\n") else message + b"\r\n"


def _head(draft: Draft) -> list[bytes]:
    if len(draft.from_) != 1:
        raise ValueError("a message has exactly one sender")
    fields = [header.address_field("From", draft.from_), _recipients(draft)]
    for name, boxes in (("Cc", draft.cc), ("Reply-To", draft.reply_to)):
        if boxes:
            fields.append(header.address_field(name, boxes))
    fields += [
        header.field("Subject", draft.subject),
        header.field("Date", rfc5322_date(to_datetime(draft.date))),
        header.field("Message-ID", draft.message_id),
    ]
    # The message's own Message-ID stands already.
    header.check_custom_headers([("Message-ID", draft.message_id), *draft.headers])
    return fields + [header.field(name, value) for name, value in draft.headers]


def _recipients(draft: Draft) -> bytes:
    if draft.to:
        return header.address_field("To", draft.to)
    return b"" if draft.cc else b"To: undisclosed-recipients:;\r\n"


def rfc5322_date(moment: datetime) -> str:
    """`Tue, 24 Nov 2026 09:00:00 +0000` (RFC 5322 §3.3), whatever the locale."""
    day = f"{_DAYS[moment.weekday()]}, {moment.day:02d} {_MONTHS[moment.month - 1]} {moment.year}"
    return f"{day} {moment.hour:02d}:{moment.minute:02d}:{moment.second:02d} +0000"


def _body(draft: Draft) -> bytes:
    boundaries = _Boundaries(draft.message_id)
    inline = [_file(item) for item in draft.attachments if item.content_id]
    attached = [_file(item) for item in draft.attachments if not item.content_id]
    body = _texts(draft, boundaries)
    if inline:
        body = boundaries.multipart("related", [body, *inline])
    if attached:
        body = boundaries.multipart("mixed", [body, *attached])
    return body


def _texts(draft: Draft, boundaries: _Boundaries) -> bytes:
    if draft.html is None:
        return text_part("plain", draft.text or "")
    if draft.text is None:
        return text_part("html", draft.html)
    return boundaries.multipart("alternative", [text_part("plain", draft.text), text_part("html", draft.html)])


def _file(item: Attachment) -> bytes:
    return file_part(item.filename, item.content_type, item.content, item.content_id)


class _Boundaries:
    """Boundaries made from the message's id: of one length, so that none is a prefix of another (RFC 2046 §5.1.1)."""

    def __init__(self, message_id: str) -> None:
        self._seed = message_id
        self._number = 0

    def multipart(self, kind: str, parts: Sequence[bytes]) -> bytes:
        boundary = self._free(parts)
        head = b'Content-Type: multipart/%b;\r\n boundary="%b"\r\n\r\n' % (kind.encode(), boundary)
        # The line end before a boundary belongs to the boundary.
        body = b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts)
        return b"%b%b--%b--\r\n" % (head, body, boundary)

    def _free(self, parts: Sequence[bytes]) -> bytes:
        while True:
            self._number += 1
            made = hashlib.sha256(f"{self._seed}/{self._number}".encode()).hexdigest()[:32]
            boundary = f"=_{made}".encode()
            if not any(boundary in part for part in parts):
                return boundary
