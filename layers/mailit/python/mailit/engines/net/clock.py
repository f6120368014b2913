"""Port `Clock` on the machine's clock."""

from __future__ import annotations

import time

from mailit.domain.times import Micros


class SystemClock:
    """The machine's clock."""

    def now(self) -> Micros:
        return time.time_ns() // 1000
