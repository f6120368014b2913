"""Port `Queue` on SQLite. Messages and bodies lie in two tables: hiding a message must not rewrite its body."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterable, Sequence
from functools import partial

from mailit.domain.errors import Refused
from mailit.domain.times import SECOND, Micros
from mailit.engines.embedded.database import Database
from mailit.ports.clock import Clock
from mailit.ports.queue import Job, Message, QueueSpec, QueueStats

DEAD = "-dlq"

_MAX_BODY = 256 * 1024
_MAX_DELAY = 900
_MAX_DEFER = 43_200
_POLL = 0.004  # seconds between two looks at the file's change counter: about 1 µs each

CREATE = (
    "create table if not exists q_message (id integer primary key autoincrement, queue text not null,"
    " visible_at integer not null, put_at integer not null, receives integer not null default 0, receipt text)",
    "create index if not exists q_message_next on q_message (queue, visible_at, id)",
    "create table if not exists q_body (id integer primary key, body text not null)",
)


class QueueWrites:
    """Single changes of queues inside a transaction that somebody else commits."""

    def __init__(self, specs: Sequence[QueueSpec], clock: Clock) -> None:
        self._specs = {spec.name: spec for spec in specs}
        # A dead letter is kept until somebody deletes it.
        self._specs |= {spec.name + DEAD: QueueSpec(spec.name + DEAD, spec.visibility, 2**31) for spec in specs}
        self.clock = clock

    def spec(self, queue: str) -> QueueSpec:
        """The spec of a queue or of its dead-letter queue."""
        if queue not in self._specs:
            raise Refused(f"there is no queue {queue}")
        return self._specs[queue]

    def put(self, connection: sqlite3.Connection, jobs: Iterable[Job]) -> None:
        """Put jobs."""
        now = self.clock.now()
        for job in jobs:
            self.spec(job.queue)
            if not 0 <= job.delay <= _MAX_DELAY:
                raise Refused(f"a delay is 0 to {_MAX_DELAY} seconds")
            if len(job.body) > _MAX_BODY or len(job.body.encode()) > _MAX_BODY:
                raise Refused("a message is at most 256 KB")
            made = connection.execute(
                "insert into q_message (queue, visible_at, put_at) values (?, ?, ?)",
                (job.queue, now + job.delay * SECOND, now),
            )
            connection.execute("insert into q_body (id, body) values (?, ?)", (made.lastrowid, job.body))

    def delete(self, connection: sqlite3.Connection, messages: Iterable[Message]) -> None:
        """Delete messages whose receipts are still good."""
        for message in messages:
            gone = connection.execute(
                "delete from q_message where id = ? and receipt = ?", (int(message.id), message.receipt)
            )
            if gone.rowcount:
                connection.execute("delete from q_body where id = ?", (int(message.id),))

    def defer(self, connection: sqlite3.Connection, message: Message, until: Micros) -> None:
        """Hide a message until then, if its receipt is still good; the receipt ends."""
        connection.execute(
            "update q_message set visible_at = ?, receipt = null where id = ? and receipt = ?",
            (until, int(message.id), message.receipt),
        )

    def take(self, connection: sqlite3.Connection, spec: QueueSpec, limit: int, visibility: int) -> list[Message]:
        """Receive up to `limit` messages; those that came too often go to the dead letters instead."""
        now = self.clock.now()
        found = connection.execute(
            "select m.id, m.receives, b.body from q_message m join q_body b on b.id = m.id"
            " where m.queue = ? and m.visible_at <= ? order by m.visible_at, m.id limit ?",
            (spec.name, now, limit),
        ).fetchall()
        taken = []
        for number, receives, body in found:
            if receives >= spec.max_receives:
                connection.execute(
                    "update q_message set queue = ?, visible_at = ?, receives = 0, receipt = null where id = ?",
                    (spec.name + DEAD, now, number),
                )
                continue
            receipt = secrets.token_hex(8)
            connection.execute(
                "update q_message set visible_at = ?, receives = receives + 1, receipt = ? where id = ?",
                (now + visibility * SECOND, receipt, number),
            )
            taken.append(Message(spec.name, str(number), receipt, body, receives + 1))
        return taken


class EmbeddedQueue:
    """Port `Queue`."""

    def __init__(self, database: Database, writes: QueueWrites) -> None:
        self._database = database
        self._writes = writes

    def put(self, job: Job) -> None:
        self.put_many([job])

    def put_many(self, jobs: Sequence[Job]) -> None:
        if jobs:
            self._database.write(lambda connection: self._writes.put(connection, jobs))

    def receive(self, queue: str, limit: int = 10, wait: float = 0, visibility: int | None = None) -> list[Message]:
        spec = self._writes.spec(queue)
        hidden = spec.visibility if visibility is None else visibility
        deadline = time.monotonic() + wait
        # Looking costs no lock; most looks find nothing.
        while self.wait_any([queue], deadline - time.monotonic()):
            # Receives need no fsync: one that is forgotten in a power cut is a redelivery.
            take = partial(self._writes.take, spec=spec, limit=limit, visibility=hidden)
            messages = self._database.write(take, durable=False)
            if messages:
                return messages
        return []

    def wait_any(self, queues: Sequence[str], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while True:
            seen, upcoming = self._changes(), self._next_visible(queues)
            while True:
                if upcoming is not None and upcoming <= self._writes.clock.now():
                    return True
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                if self._changes() != seen:
                    break
                time.sleep(min(_POLL, left))

    def _changes(self) -> int:
        """Changes when another connection, of whichever process, committed."""
        return int(self._database.read("pragma data_version")[0][0])

    def _next_visible(self, queues: Sequence[str]) -> Micros | None:
        """When the next message of these queues can be received."""
        sql = "select min(visible_at) from q_message where queue = ?"
        times = [self._database.read(sql, (queue,))[0][0] for queue in queues]
        return min((moment for moment in times if moment is not None), default=None)

    def delete_many(self, messages: Sequence[Message]) -> None:
        if messages:
            self._database.write(lambda connection: self._writes.delete(connection, messages))

    def defer(self, message: Message, seconds: float) -> None:
        if not 0 <= seconds <= _MAX_DEFER:
            raise Refused(f"a message is deferred 0 to {_MAX_DEFER} seconds")
        until = self._writes.clock.now() + round(seconds * SECOND)
        self._database.write(lambda connection: self._writes.defer(connection, message, until))

    def stats(self, queue: str) -> QueueStats:
        self._writes.spec(queue)
        now = self._writes.clock.now()
        sql = (
            "select count(*), sum(receipt is not null and visible_at > ?),"
            " min(case when visible_at <= ? then put_at end) from q_message where queue = ?"
        )
        count, in_flight, oldest = self._database.read(sql, (now, now, queue))[0]
        dead = self._database.read("select count(*) from q_message where queue = ?", (queue + DEAD,))[0][0]
        flying = int(in_flight or 0)
        age = max(0, now - oldest) // SECOND if oldest is not None else 0
        return QueueStats(count - flying, flying, dead, age)
