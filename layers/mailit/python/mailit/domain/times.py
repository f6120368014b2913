"""Time is an `int`: microseconds since the epoch, UTC. Here are its two printed forms (contract §1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

Micros = int
SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_datetime(moment: datetime) -> Micros:
    """Microseconds of an aware datetime."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def to_datetime(moment: Micros) -> datetime:
    """The aware UTC datetime of a moment."""
    return _EPOCH + timedelta(microseconds=moment)


def postgres_text(moment: Micros) -> str:
    """`2025-11-30 20:39:59.540771+00`, trailing zeros trimmed, as the older resources print it."""
    text = to_datetime(moment).strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".")
    return text + "+00"


def iso_text(moment: Micros) -> str:
    """`2026-11-10T12:00:00.000Z`, as webhooks and received mail print it."""
    return to_datetime(moment).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
