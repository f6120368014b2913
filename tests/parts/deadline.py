"""Waiting for a condition: never a fixed sleep, always a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")

POLL_SECONDS = 0.01


def wait_for(condition: Callable[[], _T | None], within: float = 5.0, what: str = "the condition") -> _T:
    """Call `condition` until it answers something true, and return that answer.

    `within` is in seconds. Raises AssertionError naming `what` when the deadline passes; whatever the condition
    itself raises ends the wait at once. The condition is always asked once more after the deadline, so that a
    machine that stood still is not taken for a failure.
    """
    deadline = time.monotonic() + within
    while True:
        late = time.monotonic() >= deadline
        answer = condition()
        if answer:
            return answer
        if late:
            raise AssertionError(f"waited {within:g} s in vain for {what}")
        time.sleep(POLL_SECONDS)
