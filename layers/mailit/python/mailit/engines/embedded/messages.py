"""Messages in SQL. Messages and bodies lie in two tables: hiding a message must not rewrite its body."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from itertools import chain

from mailit.domain.errors import Refused
from mailit.domain.times import SECOND, Micros
from mailit.engines.embedded.commit import Operation
from mailit.ports.clock import Clock
from mailit.ports.queue import Job, Message, QueueSpec

DEAD = "-dlq"
MAX_DEFER = 43_200  # seconds

_MAX_BODY = 256 * 1024
_MAX_DELAY = 900
_KEEP = 2**31  # receives: a dead letter is kept until somebody deletes it

CREATE = (
    "create table if not exists q_message (id integer primary key autoincrement, queue text not null,"
    " visible_at integer not null, put_at integer not null, receives integer not null default 0, receipt text)",
    # The last two are there for the counts alone, which then need no look at the rows.
    "create index if not exists i_q_message__next on q_message (queue, visible_at, id, put_at, receipt)",
    "create table if not exists q_body (id integer primary key, body text not null)",
)

_PUT = "insert into q_message (queue, visible_at, put_at) values (?, ?, ?)"
_PUT_BODY = "insert into q_body (id, body) values (?, ?)"
_DELETE = "delete from q_message where id = ? and receipt = ? and queue = ?"
_DELETE_BODY = "delete from q_body where id = ?"
_DEFER = "update q_message set visible_at = ?, receipt = null where id = ? and receipt = ? and queue = ?"
_NEXT = (
    "select m.id, m.receives, b.body from q_message m join q_body b on b.id = m.id"
    " where m.queue = ? and m.visible_at <= ? order by m.visible_at, m.id limit ?"
)
_HIDE = "update q_message set visible_at = ?, receives = receives + 1, receipt = ? where id = ?"
_BURY = "update q_message set queue = ?, visible_at = ?, receives = 0, receipt = null where id = ?"


class Messages:
    """Makes operations of a transaction. `Refused` at once for what no queue takes."""

    def __init__(self, specs: Sequence[QueueSpec], clock: Clock) -> None:
        dead = (QueueSpec(spec.name + DEAD, spec.visibility, _KEEP) for spec in specs)
        self._specs = {spec.name: spec for spec in chain(specs, dead)}
        self.clock = clock

    def spec(self, queue: str) -> QueueSpec:
        """The spec of a queue or of its dead-letter queue; an unknown name is a fault of ours."""
        if queue not in self._specs:
            raise Refused(f"there is no queue {queue}")
        return self._specs[queue]

    def put(self, jobs: Sequence[Job]) -> Operation[None]:
        """Put jobs."""
        now = self.clock.now()
        made = [(self._checked(job), now + job.delay * SECOND) for job in jobs]

        def step(connection: sqlite3.Connection) -> None:
            for job, visible_at in made:
                message = connection.execute(_PUT, (job.queue, visible_at, now))
                connection.execute(_PUT_BODY, (message.lastrowid, job.body))

        return step

    def _checked(self, job: Job) -> Job:
        self.spec(job.queue)
        if not 0 <= job.delay <= _MAX_DELAY:
            raise Refused(f"a delay is 0 to {_MAX_DELAY} seconds")
        try:
            size = len(job.body) if job.body.isascii() else len(job.body.encode())
        except UnicodeEncodeError as error:
            raise Refused("text with half a surrogate pair is not Unicode") from error
        if size > _MAX_BODY:
            raise Refused("a message is at most 256 KB")
        return job

    def delete(self, messages: Sequence[Message]) -> Operation[None]:
        """Delete messages whose receipts are still good."""
        gone = [(message.id, message.receipt, self.spec(message.queue).name) for message in messages]

        def step(connection: sqlite3.Connection) -> None:
            for message in gone:
                if connection.execute(_DELETE, message).rowcount:
                    connection.execute(_DELETE_BODY, message[:1])

        return step

    def defer(self, message: Message, until: Micros) -> Operation[None]:
        """Hide a message until then, if its receipt is still good; the receipt ends."""
        values = (until, message.id, message.receipt, self.spec(message.queue).name)

        def step(connection: sqlite3.Connection) -> None:
            connection.execute(_DEFER, values)

        return step

    def take(self, queue: str, limit: int, visibility: int | None) -> Operation[list[Message]]:
        """Receive up to `limit` messages; those that came too often go to the dead letters instead."""
        spec = self.spec(queue)
        if limit < 1:
            raise Refused("a limit is at least 1")
        hidden = (spec.visibility if visibility is None else visibility) * SECOND

        def step(connection: sqlite3.Connection) -> list[Message]:
            now = self.clock.now()
            taken = []
            for number, receives, body in connection.execute(_NEXT, (spec.name, now, limit)).fetchall():
                if receives >= spec.max_receives:
                    connection.execute(_BURY, (spec.name + DEAD, now, number))
                    continue
                receipt = secrets.token_hex(8)
                connection.execute(_HIDE, (now + hidden, receipt, number))
                taken.append(Message(spec.name, str(number), receipt, body, receives + 1))
            return taken

        return step
