"""Messages that a wait was handed and nobody has asked for yet."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from mailit.ports.queue import Message


@dataclass(frozen=True, slots=True)
class _Kept:
    message: Message
    until: float  # `time.monotonic`


class Shelf:
    """Safe for threads. A message is kept for a quarter of its visibility, so that who takes it has the rest; after
    that it comes again by itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, list[_Kept]] = {}
        self._polled: set[str] = set()

    def begin(self, queue: str) -> bool:
        """Whether the caller may poll this queue: one at a time."""
        with self._lock:
            free = queue not in self._polled
            self._polled.add(queue)
            return free

    def end(self, queue: str) -> None:
        """The poll is over."""
        with self._lock:
            self._polled.discard(queue)

    def put(self, queue: str, messages: Sequence[Message], visibility: int) -> None:
        """Keep them."""
        until = time.monotonic() + visibility / 4
        with self._lock:
            self._kept.setdefault(queue, []).extend(_Kept(message, until) for message in messages)

    def holds(self, queue: str) -> bool:
        """Whether there is one."""
        with self._lock:
            return bool(self._fresh(queue))

    def take(self, queue: str, limit: int) -> list[Message]:
        """Up to `limit` of them, in the order in which they came."""
        with self._lock:
            fresh = self._fresh(queue)
            self._kept[queue] = fresh[limit:]
            return [kept.message for kept in fresh[:limit]]

    def _fresh(self, queue: str) -> list[_Kept]:
        now = time.monotonic()
        fresh = [kept for kept in self._kept.get(queue, ()) if kept.until > now]
        self._kept[queue] = fresh
        return fresh
