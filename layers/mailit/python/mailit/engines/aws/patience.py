"""Calls that are tried again, a little later each time.

boto's own retries are off: only here it is known whether a write may be repeated, and what it means when the repetition
finds that its condition does not hold any more.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from mailit.domain.errors import ConditionFailed, Unavailable
from mailit.engines.aws.faults import fault_of, foreign

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """`tries` calls with pauses between them: full jitter up to `first` seconds, doubled each time, at most `longest`
    (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/)."""

    tries: int = 8
    first: float = 0.05
    longest: float = 2.0
    sleep: Callable[[float], object] = time.sleep

    def turns(self) -> Iterator[int]:
        """One number per try; pauses before all but the first."""
        for number in range(self.tries):
            if number:
                self.sleep(random.uniform(0, min(self.longest, self.first * 2**number)))  # noqa: S311
            yield number

    def run(
        self, call: Callable[[], T], *, repeatable: bool = True, applied: Callable[[], T | None] | None = None
    ) -> T:
        """What `call` returns, or an error of the ports.

        `repeatable` False: after a try whose effect is unclear there is no other. `applied` is asked when a repetition
        fails its condition after such a try: what it returns is the result of that try, None says that it had none.
        """
        unclear, last = False, Unavailable("not tried")
        for _ in self.turns():
            try:
                return call()
            except foreign() as error:
                fault = fault_of(error)
            if isinstance(fault.error, ConditionFailed) and unclear and applied is not None:
                found = applied()
                if found is not None:
                    return found
            if not isinstance(fault.error, Unavailable):
                raise fault.error
            unclear, last = unclear or fault.unclear, fault.error
            if fault.unclear and not repeatable:
                break
        raise last
