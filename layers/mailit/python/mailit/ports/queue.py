"""Port `Queue`: at-least-once queues with visibility, delay and dead letters (the subset of SQS we build on)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """One queue. `visibility`: seconds a received message stays hidden. After `max_receives` receives that did not
    end in a delete, the message moves to the dead-letter queue `<name>-dlq`."""

    name: str
    visibility: int = 60
    max_receives: int = 5


@dataclass(frozen=True, slots=True)
class Job:
    """A message to be put: text of at most 256 KB, hidden for `delay` seconds (0 to 900). `group` is the team, for
    fair turns where the engine has them."""

    queue: str
    body: str
    delay: int = 0
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A received message. `receives` counts this receive. `receipt` is good for this receive alone."""

    queue: str
    id: str
    receipt: str
    body: str
    receives: int


@dataclass(frozen=True, slots=True)
class QueueStats:
    """Counts may lag. `oldest_age`: seconds since the oldest waiting message was put, 0 when there is none, None
    where the engine does not tell."""

    waiting: int
    in_flight: int
    dead: int
    oldest_age: int | None


class Queue(Protocol):
    """Promises: a put that returned is durable; each message is received at least once until it is deleted; a
    received message is hidden from others for its visibility; order is roughly first in, first out.
    Raises `Unavailable`."""

    def put(self, job: Job) -> None: ...

    def put_many(self, jobs: Sequence[Job]) -> None:
        """Any number, also for several queues; all are put when it returns."""
        ...

    def receive(self, queue: str, limit: int = 10, wait: float = 0, visibility: int | None = None) -> list[Message]:
        """Up to `limit` messages; waits up to `wait` seconds for the first one."""
        ...

    def wait_any(self, queues: Sequence[str], seconds: float) -> bool:
        """True as soon as one of these queues may have something to receive, False when the time is over. A hint:
        whoever is woken receives, and may find nothing."""
        ...

    def delete_many(self, messages: Sequence[Message]) -> None:
        """Done with these. A receipt that is no longer good (redelivered meanwhile) deletes nothing."""
        ...

    def defer(self, message: Message, seconds: float) -> None:
        """Hide a received message for so long from now (0 to 43,200), then deliver it again. A receipt that is no
        longer good changes nothing."""
        ...

    def stats(self, queue: str) -> QueueStats: ...
