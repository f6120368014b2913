"""Port `Outbox` on SQLite: rows, jobs and finished messages in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from mailit.engines.embedded.database import Database
from mailit.engines.embedded.queue import QueueWrites
from mailit.engines.embedded.table import Writes
from mailit.ports.queue import Job, Message
from mailit.ports.table import Write


class EmbeddedOutbox:
    """Port `Outbox`."""

    def __init__(self, database: Database, writes: Writes, queues: QueueWrites) -> None:
        self._database = database
        self._writes = writes
        self._queues = queues

    def commit(self, writes: Sequence[Write] = (), jobs: Sequence[Job] = (), done: Sequence[Message] = ()) -> None:
        def step(connection: sqlite3.Connection) -> None:
            for write in writes:
                self._writes.apply(connection, write)
            self._queues.put(connection, jobs)
            self._queues.delete(connection, done)

        if writes or jobs or done:
            self._database.write(step)
