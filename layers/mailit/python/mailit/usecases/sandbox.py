"""`GET /sandbox/messages`: the sandbox mailbox, for developers. It does not exist unless the edge is in sandbox mode,
and answers nobody but this machine: it shows the mail of all teams.
"""

from __future__ import annotations

import email.policy
from email.message import EmailMessage
from email.parser import BytesParser
from ipaddress import ip_address

from mailit.contracts.api.base import ListAnswer, ListQuery
from mailit.contracts.api.sandbox import SandboxMessage, SandboxPart
from mailit.domain.errors import ApiError, not_found
from mailit.domain.times import iso_text
from mailit.stores.listing import Window
from mailit.stores.sandbox import Caught, Sandbox
from mailit.usecases.deps import Deps

_PARSER = BytesParser(policy=email.policy.default)


def list_messages(deps: Deps, source_ip: str, query: ListQuery) -> ListAnswer[SandboxMessage]:
    """Newest first."""
    page = _mailbox(deps, source_ip).page(Window(query.limit or 20, query.after, query.before))
    return ListAnswer(has_more=page.has_more, data=[_shown(caught) for caught in page.items])


def get_message(deps: Deps, source_ip: str, message_id: str) -> SandboxMessage:
    """One message, with its source as it came over SMTP."""
    caught = _mailbox(deps, source_ip).get(message_id)
    if caught is None:
        raise not_found("Message")
    return _shown(caught).model_copy(update={"raw": caught.raw.decode("utf-8", "replace")})


def _mailbox(deps: Deps, source_ip: str) -> Sandbox:
    if not deps.options.sandbox or not _is_local(source_ip):
        raise ApiError(404, "not_found", "The requested endpoint does not exist.")
    return Sandbox(deps.table, deps.blobs, deps.ids)


def _is_local(source_ip: str) -> bool:
    try:
        return ip_address(source_ip).is_loopback
    except ValueError:
        return False


def _shown(caught: Caught) -> SandboxMessage:
    message = _PARSER.parsebytes(caught.raw)
    return SandboxMessage(
        id=caught.id,
        received_at=iso_text(caught.received_at),
        mail_from=caught.mail_from,
        rcpt_to=list(caught.rcpt_to),
        from_=str(message.get("From", "")),
        to=str(message.get("To", "")),
        subject=str(message.get("Subject", "")),
        message_id=str(message.get("Message-ID", "")),
        headers=[(name, str(value)) for name, value in message.items()],
        text=_body(message, "plain"),
        html=_body(message, "html"),
        attachments=[_part(part) for part in message.walk() if _is_file(part)],
    )


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else None


def _is_file(part: EmailMessage) -> bool:
    return part.get_filename() is not None or part.get("Content-ID") is not None


def _part(part: EmailMessage) -> SandboxPart:
    content = part.get_payload(decode=True)
    return SandboxPart(
        filename=part.get_filename(),
        content_type=part.get_content_type(),
        content_id=part.get("Content-ID"),
        size=len(content) if isinstance(content, bytes) else 0,
    )
