"""Retries are data: after which pause the next attempt comes, and when it is enough."""

from __future__ import annotations

from mailit.domain.times import HOUR, MINUTE, SECOND, Micros

DELIVERY: tuple[Micros, ...] = (
    10 * SECOND,
    30 * SECOND,
    1 * MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    1 * HOUR,
    2 * HOUR,
)
"""Pause after the first, second, … failed attempt. After the last one the recipient has failed."""


def pause_after(attempt: int, schedule: tuple[Micros, ...] = DELIVERY) -> Micros | None:
    """The pause after failed attempt number `attempt` (from 1), None when there is no next attempt."""
    return schedule[attempt - 1] if attempt <= len(schedule) else None


def parse_schedule(text: str) -> tuple[Micros, ...]:
    """`10,30,60` (seconds, decimals allowed) as a schedule; ValueError when it is not one."""
    pauses = tuple(round(float(part) * SECOND) for part in text.split(","))
    if not pauses or any(pause <= 0 for pause in pauses):
        raise ValueError(f"not a retry schedule: {text!r}")
    return pauses
