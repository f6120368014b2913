"""Worker `record_results`: what attempts came to becomes events, the email's last event, and suppressions.

The recipient's own state was settled by the edge in the commit that put the result; results may come twice and late.
"""

from __future__ import annotations

from collections.abc import Sequence

from mailit.contracts.jobs import Outcome, ResultJob
from mailit.domain.emails import Event, State, may_move
from mailit.domain.errors import ConditionFailed
from mailit.domain.times import Micros
from mailit.ports.table import Equals, Update, Value, Write
from mailit.stores.deliveries import Deliveries, Recipient, recipient_key
from mailit.stores.emails import Email, Emails, Happening
from mailit.stores.suppressions import Origin, Suppression, Suppressions
from mailit.usecases.deps import Deps

_EVENTS: dict[Outcome, Event] = {
    Outcome.DELIVERED: Event.DELIVERED,
    Outcome.DELAYED: Event.DELIVERY_DELAYED,
    Outcome.BOUNCED: Event.BOUNCED,
    Outcome.FAILED: Event.FAILED,
    Outcome.COMPLAINED: Event.COMPLAINED,
}

_BEFORE_ATTEMPTS = frozenset({Event.QUEUED, Event.SCHEDULED, Event.SENT})


def record(deps: Deps, results: Sequence[ResultJob]) -> None:
    """Record a batch in one commit; where somebody else wrote meanwhile, one by one."""
    emails = deps.emails.get_many(list({(result.team, result.email_id) for result in results}))
    known = [result for result in results if (result.team, result.email_id) in emails]
    writes = _events(deps, known) + _marks(known, emails) + _suppressions(deps, known)
    try:
        deps.outbox.commit(writes)
    except ConditionFailed:
        for write in writes:
            _apply(deps, write)


def _apply(deps: Deps, write: Write) -> None:
    try:
        deps.outbox.commit([write])
    except ConditionFailed:
        return  # a newer event was there first, or the move was made already


def _events(deps: Deps, results: Sequence[ResultJob]) -> list[Write]:
    store = deps.emails
    writes: list[Write] = [
        store.record(
            result.team,
            Happening(result.email_id, _EVENTS[result.outcome], result.at, result.recipient, _detail(result)),
        )
        for result in results
    ]
    return writes + _late_moves(deps, results)


def _late_moves(deps: Deps, results: Sequence[ResultJob]) -> list[Write]:
    """Complaints move a recipient after delivery; everything else was settled by the edge."""
    deliveries = Deliveries(deps.table)
    late = [result for result in results if result.outcome is Outcome.COMPLAINED]
    found = [(result, deliveries.get(result.team, result.email_id, result.recipient)) for result in late]
    return [
        _move(result, recipient)
        for result, recipient in found
        if recipient is not None and may_move(recipient.state, State.COMPLAINED)
    ]


def _move(result: ResultJob, recipient: Recipient) -> Update:
    return Update(
        recipient_key(result.team, result.email_id, result.recipient),
        set={"state": State.COMPLAINED.value, "state_at": result.at},
        when=(Equals("state", recipient.state.value),),
    )


def _marks(results: Sequence[ResultJob], emails: dict[tuple[str, str], Email]) -> list[Write]:
    """One write per email: the newest of its results, if that is newer than what the email knows."""
    newest: dict[tuple[str, str], ResultJob] = {}
    for result in results:
        key = (result.team, result.email_id)
        if key not in newest or newest[key].at < result.at:
            newest[key] = result
    writes: list[Write] = []
    for key, result in newest.items():
        moment = _moment(emails[key], result)
        if moment > emails[key].last_event_at:
            writes.append(_mark(result, moment))
    return writes


def _mark(result: ResultJob, moment: Micros) -> Write:
    return Emails.mark(result.team, result.email_id, _EVENTS[result.outcome], moment)


def _moment(email: Email, result: ResultJob) -> Micros:
    """An attempt comes after dispatch, whatever the clocks of two machines say."""
    if email.last_event in _BEFORE_ATTEMPTS:
        return max(result.at, email.last_event_at + 1)
    return result.at


def _detail(result: ResultJob) -> dict[str, Value]:
    detail: dict[str, Value] = {
        "address": result.address,
        "attempt": result.attempt,
        "code": result.code,
        "enhanced": result.enhanced,
        "text": result.text,
        "stage": result.stage,
        "host": result.host,
        "ip": result.ip,
        "tls": result.tls,
    }
    if result.retry_at:
        detail["retry_at"] = result.retry_at
    return detail


def _suppressions(deps: Deps, results: Sequence[ResultJob]) -> list[Write]:
    """A dead address and a complaint are not written to again; what is on the list stays as it is."""
    store, now = Suppressions(deps.table), deps.clock.now()
    writes: list[Write] = []
    for result in results:
        origin = _origin(deps, result)
        if origin is None or store.find(result.team, [result.address]):
            continue
        new = Suppression(deps.ids.new(now), result.address, origin, result.email_id, now)
        writes.append(store.add(result.team, new))
    return writes


def _origin(deps: Deps, result: ResultJob) -> Origin | None:
    if deps.options.sandbox and result.address.endswith("@resend.dev"):
        return None  # the test addresses behave the same way every time
    if result.outcome is Outcome.COMPLAINED:
        return Origin.COMPLAINT
    return Origin.BOUNCE if result.outcome is Outcome.BOUNCED and result.hard else None
