"""The three lanes of `dispatch` and `outbound`, and how they share the workers."""

from __future__ import annotations

from enum import StrEnum


class Lane(StrEnum):
    """Which kind of mail a queue holds."""

    CRITICAL = "critical"  # single API sends, SMTP submission
    DEFAULT = "default"  # batch sends
    LOW = "low"  # broadcasts


SHARES: dict[Lane, int] = {Lane.CRITICAL: 6, Lane.DEFAULT: 3, Lane.LOW: 1}

TURNS: tuple[Lane, ...] = tuple({"c": Lane.CRITICAL, "d": Lane.DEFAULT, "l": Lane.LOW}[turn] for turn in "cdccdclcdc")
"""Ten turns, spread so that no lane waits for more than its share. An empty lane gives its turn to the next."""
