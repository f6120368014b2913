"""Port `Outbox` on SQLite: rows, jobs and finished messages in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from mailit.engines.embedded.database import Database
from mailit.engines.embedded.messages import Messages
from mailit.engines.embedded.writes import Writes
from mailit.ports.queue import Job, Message
from mailit.ports.table import Write


class EmbeddedOutbox:
    """Port `Outbox`."""

    def __init__(self, database: Database, writes: Writes, messages: Messages) -> None:
        self._database = database
        self._writes = writes
        self._messages = messages

    def commit(self, writes: Sequence[Write] = (), jobs: Sequence[Job] = (), done: Sequence[Message] = ()) -> None:
        if not (writes or jobs or done):
            return
        steps = [self._writes.operation(write) for write in writes]
        steps += self._messages.put(jobs), self._messages.delete(done)

        def commit(connection: sqlite3.Connection) -> None:
            for step in steps:
                step(connection)

        self._database.write(commit)
