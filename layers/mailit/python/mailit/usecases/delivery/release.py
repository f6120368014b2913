"""Timer `release_due`: scheduled mail whose time comes, and mail whose dispatch job is missing.

Looks a little further ahead than the timer's period and puts jobs with a delay, so that a scheduled email goes at its
second though the timer runs once a minute. Each email it takes is moved on first (later each time), so that two timers
at once, or a long queue, do not pile up jobs for the same email.
"""

from __future__ import annotations

from collections.abc import Sequence

from mailit.domain.emails import Phase
from mailit.domain.errors import ConditionFailed
from mailit.domain.times import HOUR, MINUTE, SECOND, Micros
from mailit.ports.queue import Job
from mailit.ports.table import Update
from mailit.stores.dispatching import LEFT_BEHIND, dispatch_jobs
from mailit.stores.emails import Email
from mailit.usecases.deps import Deps

AHEAD: Micros = 2 * MINUTE


def release_due(deps: Deps) -> int:
    """Put a dispatch job for everything that is due; how many."""
    return _release(deps, Phase.SCHEDULED, AHEAD) + _release(deps, Phase.QUEUED, 0)


def _release(deps: Deps, phase: Phase, ahead: Micros) -> int:
    store, until, released = deps.emails, deps.clock.now() + ahead, 0
    cursor: str | None = None
    while True:
        due, cursor = store.due(phase, until, cursor)
        released += _hand_over(deps, due)
        if cursor is None:
            return released


def _hand_over(deps: Deps, due: Sequence[Email]) -> int:
    steps = [(_move_on(deps, email), dispatch_jobs(email, deps.clock.now())) for email in due]
    if not steps:
        return 0
    try:
        deps.outbox.commit([write for write, _ in steps], [job for _, jobs in steps for job in jobs])
    except ConditionFailed:
        return sum(_hand_over_one(deps, write, jobs) for write, jobs in steps)
    return len(steps)


def _hand_over_one(deps: Deps, write: Update, jobs: Sequence[Job]) -> int:
    try:
        deps.outbox.commit([write], jobs)
    except ConditionFailed:
        return 0  # dispatched, canceled, or taken by another timer meanwhile
    return 1


def _move_on(deps: Deps, email: Email) -> Update:
    pause = min(LEFT_BEHIND << min(email.releases, 10), HOUR)
    base = max(deps.clock.now(), email.scheduled_at or 0)
    return deps.emails.postpone(email, base + pause + SECOND)
