"""Port `Queue` on SQLite."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mailit.domain.errors import Refused
from mailit.domain.times import SECOND, Micros
from mailit.engines.embedded.connection import Connection
from mailit.engines.embedded.database import Database
from mailit.engines.embedded.messages import DEAD, MAX_DEFER, Messages
from mailit.ports.queue import Job, Message, QueueStats

# Seconds between two looks at the file's change counter: short at first; the longest keeps an idle wait under 1 % of a
# CPU, most of which is the price of sleeping.
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.012
_BATCH = 100  # messages in one transaction at most: others are waiting

_UPCOMING = "select min(visible_at) from q_message where queue = ?"
_STATS = (
    "select count(*), sum(receipt is not null and visible_at > ?), min(case when visible_at <= ? then put_at end)"
    " from q_message where queue = ?"
)


class EmbeddedQueue:
    """Port `Queue`."""

    def __init__(self, database: Database, messages: Messages) -> None:
        self._database = database
        self._messages = messages

    def put(self, job: Job) -> None:
        self._database.write(self._messages.put([job]))

    def put_many(self, jobs: Sequence[Job]) -> None:
        steps = [self._messages.put(jobs[start : start + _BATCH]) for start in range(0, len(jobs), _BATCH)]
        for step in steps:
            self._database.write(step)

    def receive(self, queue: str, limit: int = 10, wait: float = 0, visibility: int | None = None) -> list[Message]:
        take = self._messages.take(queue, limit, visibility)
        deadline = time.monotonic() + wait
        # Looking costs no lock; most looks find nothing.
        while self.wait_any([queue], deadline - time.monotonic()):
            # Receives need no fsync: one that is forgotten in a power cut is a redelivery.
            messages = self._database.write(take, durable=False)
            if messages:
                return messages
        return []

    def wait_any(self, queues: Sequence[str], seconds: float) -> bool:
        names = [self._messages.spec(queue).name for queue in queues]
        deadline = time.monotonic() + seconds
        # The change counter is the connection's own, so all looks go through one.
        with self._database.reader() as connection:
            while True:
                seen = _changes(connection)
                upcoming = _upcoming(connection, names)
                pause = _FIRST_PAUSE
                while True:
                    if upcoming is not None and upcoming <= self._messages.clock.now():
                        return True
                    left = deadline - time.monotonic()
                    if left <= 0:
                        return False
                    if _changes(connection) != seen:
                        break
                    time.sleep(min(pause, left))
                    pause = min(2 * pause, _LONGEST_PAUSE)

    def delete_many(self, messages: Sequence[Message]) -> None:
        if messages:
            # Nor does this: whatever is committed durably after it carries it to the disk, too.
            self._database.write(self._messages.delete(messages), durable=False)

    def defer(self, message: Message, seconds: float) -> None:
        if not 0 <= seconds <= MAX_DEFER:
            raise Refused(f"a message is deferred 0 to {MAX_DEFER} seconds")
        until = self._messages.clock.now() + round(seconds * SECOND)
        self._database.write(self._messages.defer(message, until))

    def stats(self, queue: str) -> QueueStats:
        name, now = self._messages.spec(queue).name, self._messages.clock.now()
        ((count, in_flight, oldest),) = self._database.read(_STATS, (now, now, name))
        ((dead, _, _),) = self._database.read(_STATS, (now, now, name + DEAD))
        age = max(0, now - oldest) // SECOND if oldest is not None else 0
        return QueueStats(count - int(in_flight or 0), int(in_flight or 0), dead, age)


def _changes(connection: Connection) -> int:
    """Changes when another connection, of whichever process, committed."""
    return int(connection.query("pragma data_version")[0][0])


def _upcoming(connection: Connection, queues: Sequence[str]) -> Micros | None:
    """When the next message of these queues can be received."""
    times = [connection.query(_UPCOMING, (queue,))[0][0] for queue in queues]
    return min((moment for moment in times if moment is not None), default=None)
