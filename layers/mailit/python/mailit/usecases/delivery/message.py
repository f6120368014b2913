"""From a stored email to the signed bytes that go over the wire."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from mailit.contracts.content import StoredAttachment, StoredContent
from mailit.dkim.sign import Signer, sign
from mailit.dkim.vault import open_sealed
from mailit.domain.addresses import Mailbox, parse_mailbox
from mailit.domain.attachments import MAX_TOTAL_BASE64, base64_size
from mailit.domain.errors import Refused
from mailit.domain.times import SECOND
from mailit.mime.build import Attachment, Draft, build, needs_smtputf8
from mailit.mime.html_text import text_from_html
from mailit.stores.domains import Domain, vault_context
from mailit.stores.emails import Email
from mailit.usecases.deps import Deps

_OWN_HEADERS = frozenset({"message-id"})  # given as a header, kept as the email's own field


@dataclass(frozen=True, slots=True)
class Message:
    """`raw`: the signed message. `smtputf8`: it needs RFC 6531 at the next hop."""

    raw: bytes
    smtputf8: bool


class Signers:
    """The signers of a domain, loaded once per process: opening and parsing a key costs more than a signature."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, tuple[bytes, ...]], tuple[Signer, ...]] = {}

    def of(self, deps: Deps, team: str, domain: Domain) -> tuple[Signer, ...]:
        """RSA first (RFC 8463 §3: Ed25519 only beside it)."""
        key = (domain.id, tuple(item.sealed for item in domain.keys))
        if key not in self._loaded:
            if len(self._loaded) > 1000:
                self._loaded.clear()
            self._loaded[key] = tuple(
                Signer(
                    domain.name,
                    item.selector,
                    open_sealed(deps.master_key, item.sealed, vault_context(team, domain.id, item.selector)),
                    item.algorithm,
                )
                for item in domain.keys
            )
        return self._loaded[key]


def compose(deps: Deps, email: Email, content: StoredContent, signers: tuple[Signer, ...]) -> Message:
    """Build and sign. The same email gives the same bytes, but for the signatures' time. Raises `Refused` when an
    attachment cannot be had, ValueError when the email cannot be a message."""
    draft = _draft(deps, email, content)
    raw = sign(build(draft), signers, deps.clock.now() // SECOND)
    return Message(raw, needs_smtputf8(draft))


def _draft(deps: Deps, email: Email, content: StoredContent) -> Draft:
    text = content.text
    if text is None and content.html:
        text = text_from_html(content.html)
    return Draft(
        from_=(parse_mailbox(email.from_),),
        to=_mailboxes(email.to),
        cc=_mailboxes(email.cc),
        reply_to=_mailboxes(email.reply_to),
        subject=email.subject,
        date=email.scheduled_at or email.created_at,
        message_id=email.message_id,
        text=text or None if content.html else text,
        html=content.html or None,
        headers=tuple(pair for pair in content.headers if pair[0].lower() not in _OWN_HEADERS),
        attachments=_attachments(deps, content.attachments),
    )


def _mailboxes(texts: tuple[str, ...]) -> tuple[Mailbox, ...]:
    return tuple(parse_mailbox(text) for text in texts)


def _attachments(deps: Deps, stored: tuple[StoredAttachment, ...]) -> tuple[Attachment, ...]:
    room = MAX_TOTAL_BASE64 - sum(len(item.content or "") for item in stored)
    found: list[Attachment] = []
    for number, item in enumerate(stored):
        attachment = _attachment(deps, item, number, room)
        room -= base64_size(len(attachment.content)) if item.content is None else 0
        found.append(attachment)
    return tuple(found)


def _attachment(deps: Deps, item: StoredAttachment, number: int, room: int) -> Attachment:
    content_type = item.content_type or "application/octet-stream"
    if item.content is not None:
        return Attachment(item.filename, content_type, base64.b64decode(item.content), item.content_id)
    if item.path is None or room <= 0:
        raise Refused("attachments exceed 40 MB in total")
    fetched = deps.http.fetch(item.path, room * 3 // 4)
    # The server's own word on the type is not trusted (security.md §3): the sender says what it is.
    return Attachment(item.filename or f"attachment-{number}", content_type, fetched.body, item.content_id)
