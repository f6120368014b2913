"""`PATCH /emails/{email_id}` and `POST /emails/{email_id}/cancel`: only while an email is scheduled."""

from __future__ import annotations

from dataclasses import replace

from mailit.contracts.api.base import Named
from mailit.contracts.api.emails import UpdateEmail
from mailit.domain.api_keys import Caller
from mailit.domain.emails import Event, Phase, State
from mailit.domain.errors import ConditionFailed, invalid, not_found
from mailit.domain.times import Micros
from mailit.ports.table import Equals, Row, Update
from mailit.stores.deliveries import recipient_key
from mailit.stores.dispatching import dispatch_jobs, due_time
from mailit.stores.emails import Email, Happening, due_fields
from mailit.usecases.deps import Deps
from mailit.usecases.emails.accept import scheduled_time


def update(deps: Deps, caller: Caller, email_id: str, request: UpdateEmail) -> Named:
    """Move a scheduled email to another time; a time that has passed means now."""
    email, now = _scheduled(deps, caller, email_id, "updated"), deps.clock.now()
    moment = scheduled_time(deps, request.scheduled_at, now) or now
    moved = replace(email, scheduled_at=moment)
    fields: Row = {"scheduled_at": moment, "releases": 0, **due_fields(Phase.SCHEDULED, due_time(moment, now))}
    # A job for the old time finds the new one and does nothing; if that is earlier, the new job is there before it.
    write = deps.emails.change(caller.team, email_id, fields, (Equals("phase", Phase.SCHEDULED.value),))
    try:
        deps.outbox.commit([write], dispatch_jobs(moved, now))
    except ConditionFailed:
        raise _too_late("updated") from None
    return Named(object="email", id=email_id)


def cancel(deps: Deps, caller: Caller, email_id: str) -> Named:
    """Cancel for good. Once this is answered the email is not sent."""
    email, now = _scheduled(deps, caller, email_id, "canceled"), deps.clock.now()
    fields: Row = {
        "phase": Phase.CANCELED.value,
        "last_event": Event.CANCELED.value,
        "last_event_at": now,
    }
    store, still = deps.emails, (Equals("phase", Phase.SCHEDULED.value),)
    try:
        deps.outbox.commit(
            [
                store.change(caller.team, email_id, fields, still, due_over=True),
                store.record(caller.team, Happening(email_id, Event.CANCELED, now)),
                *(_close(caller.team, email, number, now) for number in range(email.recipients)),
            ]
        )
    except ConditionFailed:
        raise _too_late("canceled") from None
    return Named(object="email", id=email_id)


def _close(team: str, email: Email, number: int, now: Micros) -> Update:
    return Update(
        recipient_key(team, email.id, number), set={"state": State.CANCELED.value, "state_at": now, "open": 0}
    )


def _scheduled(deps: Deps, caller: Caller, email_id: str, verb: str) -> Email:
    email = deps.emails.get(caller.team, email_id)
    if email is None:
        raise not_found("Email")
    if email.phase is not Phase.SCHEDULED:
        raise _too_late(verb)
    return email


def _too_late(verb: str) -> Exception:
    return invalid(f"Only scheduled emails can be {verb}.")
