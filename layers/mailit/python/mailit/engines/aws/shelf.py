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
        self._changed = threading.Condition()
        self._kept: dict[str, list[_Kept]] = {}
        self._polled: set[str] = set()

    def begin(self, queue: str) -> bool:
        """Whether the caller may poll this queue: one at a time."""
        with self._changed:
            free = queue not in self._polled
            self._polled.add(queue)
            return free

    def end(self, queue: str, messages: Sequence[Message], visibility: int) -> None:
        """The poll is over; keep what it brought."""
        until = time.monotonic() + visibility / 4
        with self._changed:
            self._polled.discard(queue)
            self._kept.setdefault(queue, []).extend(_Kept(message, until) for message in messages)
            self._changed.notify_all()

    def wait(self, queues: Sequence[str], seconds: float) -> bool:
        """Until there is something, or a poll of one of these queues is over; whether there is something."""
        with self._changed:
            self._changed.wait_for(
                lambda: any(self._fresh(queue) or queue not in self._polled for queue in queues), seconds
            )
            return any(self._fresh(queue) for queue in queues)

    def take(self, queue: str, limit: int) -> list[Message]:
        """Up to `limit` messages, in the order in which they came."""
        with self._changed:
            fresh = self._fresh(queue)
            self._kept[queue] = fresh[limit:]
            return [kept.message for kept in fresh[:limit]]

    def _fresh(self, queue: str) -> list[_Kept]:
        now = time.monotonic()
        fresh = [kept for kept in self._kept.get(queue, ()) if kept.until > now]
        self._kept[queue] = fresh
        return fresh
