"""Port `Clock`."""

from __future__ import annotations

from typing import Protocol

from mailit.domain.times import Micros


class Clock(Protocol):
    """Wall-clock time."""

    def now(self) -> Micros:
        """Microseconds since the epoch, UTC."""
        ...
