"""When an email waits for its dispatch job, and what that job is."""

from __future__ import annotations

from collections.abc import Sequence

from mailit.contracts.jobs import DispatchJob
from mailit.domain.times import MINUTE, SECOND, Micros
from mailit.ports.queue import Job
from mailit.stores.emails import Email
from mailit.stores.queues import DISPATCH_REMOTE, dispatch

MAX_JOB = 200_000
"""Bytes of a job; content that does not fit is read from its row."""

LEFT_BEHIND: Micros = MINUTE
"""How long after its time an email waits for its dispatch job before the timer makes a new one."""

MAX_DELAY: Micros = 900 * SECOND
"""The longest delay of a queue; what is scheduled later is left to the timer."""


def due_time(scheduled_at: Micros | None, now: Micros) -> Micros:
    """When the timer is to look at the email: at its time, or some time after a job should have done so."""
    if scheduled_at is not None and scheduled_at - now > MAX_DELAY:
        return scheduled_at
    return max(scheduled_at or now, now) + LEFT_BEHIND


def dispatch_jobs(email: Email, now: Micros, content: str | None = None, recipients: Sequence[str] = ()) -> list[Job]:
    """The dispatch job of an email; none yet when its time is further away than a queue can delay."""
    wait = max(0, (email.scheduled_at or now) - now)
    if wait > MAX_DELAY:
        return []
    inline = content if content is not None and len(content.encode()) < MAX_JOB * 3 // 4 else None
    job = DispatchJob(
        team=email.team,
        email_id=email.id,
        lane=email.lane,
        content=inline,
        domain_id=email.domain_id,
        recipients=tuple(recipients),
    )
    body = job.to_json()
    if len(body.encode()) > MAX_JOB:
        body = job.model_copy(update={"content": None}).to_json()
    # Whole seconds, rounded up: a job must not come before its time.
    queue = DISPATCH_REMOTE if email.remote else dispatch(email.lane)
    return [Job(queue, body, delay=-(-wait // SECOND), group=email.team)]
