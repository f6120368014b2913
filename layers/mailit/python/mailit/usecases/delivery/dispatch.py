"""Worker `dispatch`: one accepted email becomes one signed message and one outbound job per recipient.

May run twice for an email, and twice at once: the claim before SMTP DATA keeps a second set of outbound jobs from
sending anything. An email that was canceled, or whose time has not come, is left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from mailit.contracts.content import StoredContent
from mailit.contracts.jobs import DispatchJob, OutboundJob
from mailit.dkim.sign import Signer
from mailit.domain.domains import MAY_SEND
from mailit.domain.emails import Event, Phase, State
from mailit.domain.errors import MailItError, NotFound, Refused, Unavailable
from mailit.domain.times import HOUR, Micros
from mailit.ports.queue import Job
from mailit.ports.table import Equals, Key, Update, Write
from mailit.stores.deliveries import Deliveries, Recipient, recipient_key
from mailit.stores.dispatching import MAX_JOB
from mailit.stores.domains import Domain, Domains, domain_key
from mailit.stores.emails import Email, Emails, Happening, email_key
from mailit.stores.queues import outbound
from mailit.stores.snapshot import Snapshot
from mailit.stores.suppressions import Suppression, Suppressions, suppression_key
from mailit.usecases.delivery.message import Message, Signers, compose
from mailit.usecases.deps import Deps

_log = logging.getLogger("mailit.dispatch")
_FETCH_FOR: Micros = HOUR  # how long an attachment's server may be unreachable before the email fails


class Undeliverable(MailItError):
    """The email cannot be made into a message, now or later."""


@dataclass(slots=True)
class Step:
    """What handling one email comes to. `claims` are written first: one that fails its condition stops the rest.
    `events` of all emails go together, for an engine that writes batches. After a crash in between, the job comes
    again, finds the email as dispatched with recipients still open, and writes the same events anew."""

    claims: list[Write] = field(default_factory=list)
    events: list[Write] = field(default_factory=list)
    closings: list[Write] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    def add(self, other: Step) -> None:
        """What handling another one comes to."""
        self.claims += other.claims
        self.events += other.events
        self.closings += other.closings
        self.jobs += other.jobs

    @property
    def writes(self) -> list[Write]:
        """In the order in which they have to be written."""
        return [*self.claims, *self.events, *self.closings]


class Dispatcher:
    """Handles a batch of dispatch jobs; lives as long as the process, for the signers' sake."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._emails: Emails = deps.emails
        self._signers = Signers()

    def run(self, jobs: Sequence[DispatchJob]) -> None:
        """Hand over every email of the batch in one commit. `ConditionFailed` when one changed meanwhile: the caller
        runs the jobs again one by one, and the changed one finds what it has become."""
        batch = _Batch(self._deps, jobs)
        total = Step()
        for job in batch.jobs:
            total.add(self._handle(job, batch))
        if total.writes or total.jobs:
            self._deps.outbox.commit(total.writes, total.jobs)

    def _handle(self, job: DispatchJob, batch: _Batch) -> Step:
        email = batch.emails.get((job.team, job.email_id))
        if email is None:
            raise NotFound(f"no email {job.email_id}")
        if not self._is_its_turn(email):
            return Step()
        recipients = batch.recipients(email)
        try:
            return self._hand_over(email, recipients, batch, job.content)
        except (Undeliverable, ValueError) as error:
            _log.warning("email=%s failed: %s", email.id, error)
            return self._fail(email, recipients, str(error))

    def _is_its_turn(self, email: Email) -> bool:
        if email.phase is Phase.SCHEDULED:
            return email.scheduled_at is not None and email.scheduled_at <= self._deps.clock.now()
        # Dispatched: on `aws` the process may have died between the rows and the jobs, so the jobs are put again.
        return email.phase in (Phase.QUEUED, Phase.DISPATCHED)

    def _hand_over(self, email: Email, recipients: Sequence[Recipient], batch: _Batch, inline: str | None) -> Step:
        fresh = [item for item in recipients if item.open and item.attempts == 0]
        suppressed = [item for item in fresh if batch.is_suppressed(email.team, item)]
        sendable = [item for item in fresh if item not in suppressed]
        step = Step()
        if sendable:
            step.jobs += self._outbound_jobs(email, sendable, batch.domain(email), inline)
        self._dispatched(email, step, sent=bool(sendable))
        for item in suppressed:
            self._suppressed(email, item, batch, step)
        return step

    def _outbound_jobs(
        self, email: Email, recipients: Sequence[Recipient], domain: Domain | None, inline: str | None
    ) -> list[Job]:
        if domain is None or domain.status not in MAY_SEND or not domain.sending:
            raise Undeliverable("the sending domain is not verified any more")
        signers = self._signers.of(self._deps, email.team, domain)
        message = self._compose(email, inline, signers)
        return self._pack(email, recipients, domain, message)

    def _compose(self, email: Email, inline: str | None, signers: tuple[Signer, ...]) -> Message:
        stored = inline if inline is not None else self._emails.content(email.team, email.id)
        if stored is None:
            raise Undeliverable("the content is missing")
        try:
            return compose(self._deps, email, StoredContent.model_validate_json(stored), signers)
        except Refused as error:
            raise Undeliverable(f"attachment: {error}") from error
        except Unavailable as error:
            if self._deps.clock.now() - (email.scheduled_at or email.created_at) > _FETCH_FOR:
                raise Undeliverable(f"attachment: {error}") from error
            raise

    def _pack(self, email: Email, recipients: Sequence[Recipient], domain: Domain, message: Message) -> list[Job]:
        blob = None
        if len(message.raw) > MAX_JOB * 3 // 4:
            blob = f"{email.team}/raw/{email.id}"
            self._deps.blobs.put(blob, message.raw)
        text = message.raw.decode() if blob is None else None
        return [
            Job(
                outbound(email.lane),
                OutboundJob(
                    team=email.team,
                    email_id=email.id,
                    recipient=item.number,
                    mail_from=f"bounces@{domain.envelope_domain}",
                    rcpt_to=item.address,
                    domain=item.address.rpartition("@")[2],
                    lane=email.lane,
                    message_id=email.message_id,
                    smtputf8=message.smtputf8 or not item.address.isascii(),
                    require_tls=domain.tls == "enforced",
                    message=text,
                    message_blob=blob,
                ).to_json(),
                group=email.team,
            )
            for item in recipients
        ]

    def _dispatched(self, email: Email, step: Step, *, sent: bool) -> None:
        event = Event.SENT if sent else Event.SUPPRESSED
        now = self._deps.clock.now()
        if email.phase is Phase.DISPATCHED:  # again: the event may be missing
            event, now = email.last_event, email.last_event_at
        else:
            fields = {"phase": Phase.DISPATCHED.value, "last_event": event.value, "last_event_at": now}
            step.claims.append(self._leave(email, fields))
        if event is Event.SENT:
            step.events.append(self._emails.record(email.team, Happening(email.id, event, now)))

    def _leave(self, email: Email, fields: dict[str, str | int]) -> Update:
        """Out of its phase, on condition that it is still in it and, if scheduled, for the same time."""
        still = (Equals("phase", email.phase.value), Equals("scheduled_at", email.scheduled_at))
        return self._emails.change(email.team, email.id, fields, still, due_over=True)

    def _suppressed(self, email: Email, item: Recipient, batch: _Batch, step: Step) -> None:
        now = self._deps.clock.now()
        found = batch.suppressions[(email.team, item.address)]
        detail = {"address": item.address, "type": "OnAccountSuppressionList", "origin": found.origin.value}
        happening = Happening(email.id, Event.SUPPRESSED, now, item.number, detail)
        step.events.append(self._emails.record(email.team, happening))
        step.closings.append(_closed(email, item, State.SUPPRESSED, now))

    def _fail(self, email: Email, recipients: Iterable[Recipient], reason: str) -> Step:
        now = self._deps.clock.now()
        fields: dict[str, str | int] = {
            "phase": Phase.FAILED.value,
            "last_event": Event.FAILED.value,
            "last_event_at": now,
        }
        if email.phase is Phase.DISPATCHED:
            return Step()
        record = self._emails.record(email.team, Happening(email.id, Event.FAILED, now, None, {"reason": reason}))
        # It leaves its phase last: after a crash before that it fails once more, as a whole.
        closed: list[Write] = [_closed(email, item, State.FAILED, now) for item in recipients if item.open]
        return Step(claims=[*closed, record, self._leave(email, fields)])


def _closed(email: Email, item: Recipient, state: State, now: Micros) -> Update:
    return Update(
        recipient_key(email.team, email.id, item.number),
        set={"state": state.value, "state_at": now, "open": 0},
        when=(Equals("open", 1),),
    )


@lru_cache(maxsize=4)
def dispatcher_of(deps: Deps) -> Dispatcher:
    """This process's dispatcher on these Deps: it remembers the signers."""
    return Dispatcher(deps)


class _Batch:
    """What the jobs of one batch need to know, read in one call where the jobs say enough, else in three."""

    def __init__(self, deps: Deps, jobs: Sequence[DispatchJob]) -> None:
        # The same email twice in a batch would fail its own condition.
        self.jobs = list({(job.team, job.email_id): job for job in jobs}.values())
        rows = Snapshot(deps.table)
        rows.read([key for job in self.jobs for key in _keys(job)])
        self.emails = Emails(rows, deps.blobs, deps.options.inline_bytes).get_many(
            [(job.team, job.email_id) for job in self.jobs]
        )
        waiting = [
            item for item in self.emails.values() if item.phase in (Phase.QUEUED, Phase.SCHEDULED, Phase.DISPATCHED)
        ]
        self._recipients = Deliveries(rows).of_many([(item.team, item.id, item.recipients) for item in waiting])
        self._domains = Domains(rows)
        self._known: dict[tuple[str, str], Domain | None] = {}
        self.suppressions = self._find(Suppressions(rows))

    def _find(self, store: Suppressions) -> dict[tuple[str, str], Suppression]:
        addresses: dict[str, set[str]] = {}
        for (team, _), recipients in self._recipients.items():
            addresses.setdefault(team, set()).update(item.address for item in recipients)
        return {
            (team, address): found
            for team, wanted in addresses.items()
            for address, found in store.find(team, wanted).items()
        }

    def recipients(self, email: Email) -> Sequence[Recipient]:
        return self._recipients.get((email.team, email.id), ())

    def is_suppressed(self, team: str, recipient: Recipient) -> bool:
        return (team, recipient.address) in self.suppressions

    def domain(self, email: Email) -> Domain | None:
        key = (email.team, email.domain_id)
        if key not in self._known:
            self._known[key] = self._domains.get(*key)
        return self._known[key]


def _keys(job: DispatchJob) -> Iterator[Key]:
    """All rows that this job is known to need."""
    yield email_key(job.team, job.email_id)
    if job.domain_id is not None:
        yield domain_key(job.team, job.domain_id)
    for number, address in enumerate(job.recipients):
        yield recipient_key(job.team, job.email_id, number)
        yield suppression_key(job.team, address)
