"""From a checked request to the rows and the job of an accepted email."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from mailit.contracts.api.emails import SendEmail
from mailit.contracts.content import StoredAttachment, StoredContent
from mailit.domain.addresses import parse_mailbox
from mailit.domain.api_keys import Caller
from mailit.domain.domains import MAY_SEND
from mailit.domain.emails import Event, Phase
from mailit.domain.errors import forbidden, invalid
from mailit.domain.lanes import Lane
from mailit.domain.times import DAY, Micros
from mailit.mime.idn import to_a_label
from mailit.mime.message_id import message_id
from mailit.ports.queue import Job
from mailit.ports.table import Put
from mailit.stores.deliveries import Deliveries
from mailit.stores.dispatching import dispatch_jobs, due_time
from mailit.stores.domains import Domain, Domains
from mailit.stores.emails import Email, Happening
from mailit.usecases.deps import Deps


@dataclass(frozen=True, slots=True)
class Accepted:
    """An email about to be stored: its writes and, unless the timer will see to it, its dispatch job."""

    id: str
    writes: list[Put]
    jobs: list[Job]


class Acceptance:
    """Turns requests of one caller into emails. One per HTTP request; remembers the domains it looked up."""

    def __init__(self, deps: Deps, caller: Caller, lane: Lane) -> None:
        self._deps = deps
        self._caller = caller
        self._lane = lane
        self._now = deps.clock.now()
        self._emails = deps.emails
        self._deliveries = Deliveries(deps.table)
        self._domains: dict[str, Domain] = {}

    def accept(self, request: SendEmail, email_id: str) -> Accepted:
        """Check what the request alone cannot tell (sender, time) and lay out the email."""
        sending = self._sender_domain(request.from_)
        scheduled_at = scheduled_time(self._deps, request.scheduled_at, self._now)
        content = _content(request).model_dump_json(exclude_defaults=True)
        email = self._email(request, email_id, sending, scheduled_at)
        writes = self._emails.new(self._caller.team, email, content)
        writes += self._recipients(request, email_id)
        writes.append(self._emails.record(self._caller.team, Happening(email_id, email.last_event, self._now)))
        return Accepted(email_id, writes, dispatch_jobs(email, self._now, content, list(envelope(request))))

    def _sender_domain(self, sender: str) -> Domain:
        name = to_a_label(parse_mailbox(sender).domain)
        domain = self._domains.get(name) or Domains(self._deps.table).by_name(self._caller.team, name)
        if domain is None or domain.status not in MAY_SEND:
            raise forbidden(f"The `{name}` domain is not verified. Please, add and verify your domain.")
        if not domain.sending:
            raise forbidden(f"Sending is disabled for the `{name}` domain.")
        if self._caller.domain_id not in (None, domain.id):
            raise forbidden(f"This API key is not allowed to send emails from the `{name}` domain.")
        self._domains[name] = domain
        return domain

    def _email(self, request: SendEmail, email_id: str, domain: Domain, scheduled_at: Micros | None) -> Email:
        return Email(
            id=email_id,
            team=self._caller.team,
            created_at=self._now,
            from_=request.from_,
            to=tuple(request.to),
            cc=tuple(request.cc),
            bcc=tuple(request.bcc),
            reply_to=tuple(request.reply_to),
            subject=request.subject,
            message_id=_own_message_id(request) or message_id(email_id, domain.name),
            domain_id=domain.id,
            lane=self._lane,
            tags=tuple((tag.name, tag.value) for tag in request.tags),
            recipients=len(envelope(request)),
            remote=any(item.content is None for item in request.attachments),
            phase=Phase.SCHEDULED if scheduled_at is not None else Phase.QUEUED,
            last_event=Event.SCHEDULED if scheduled_at is not None else Event.QUEUED,
            last_event_at=self._now,
            scheduled_at=scheduled_at,
            due=due_time(scheduled_at, self._now),
        )

    def _recipients(self, request: SendEmail, email_id: str) -> list[Put]:
        return [
            self._deliveries.new(self._caller.team, email_id, number, address, kind, self._now)
            for number, (address, kind) in enumerate(envelope(request).items())
        ]


def envelope(request: SendEmail) -> dict[str, str]:
    """Envelope recipients → to, cc or bcc. An address that is named twice gets one copy."""
    found: dict[str, str] = {}
    for kind, addresses in (("to", request.to), ("cc", request.cc), ("bcc", request.bcc)):
        for address in addresses:
            mailbox = parse_mailbox(address)
            found.setdefault(f"{mailbox.local}@{to_a_label(mailbox.domain)}", kind)
    return found


def scheduled_time(deps: Deps, text: str | None, now: Micros) -> Micros | None:
    """The moment that `scheduled_at` means; None when the email is to go at once. 422 when it means none."""
    if text is None:
        return None
    moment = deps.parse_time(text, now)
    if moment is None:
        raise invalid(
            "Invalid `scheduled_at` field. Use ISO 8601 (`2026-08-05T11:52:01.858Z`) or natural language (`in 1 hour`)."
        )
    if moment > now + 30 * DAY:
        raise invalid("Invalid `scheduled_at` field. Emails can be scheduled up to 30 days ahead.")
    return moment if moment > now else None


def _content(request: SendEmail) -> StoredContent:
    return StoredContent(
        html=request.html,
        text=request.text,
        headers=tuple(request.headers.items()),
        attachments=tuple(
            StoredAttachment(
                filename=item.filename,
                content_type=item.content_type,
                content_id=item.content_id,
                content=base64.b64encode(item.content).decode() if item.content is not None else None,
                path=item.path if item.content is None else None,
            )
            for item in request.attachments
        ),
    )


def _own_message_id(request: SendEmail) -> str | None:
    return next((value.strip() for name, value in request.headers.items() if name.lower() == "message-id"), None)
