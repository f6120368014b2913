"""The embedded engine: one folder on one machine, no server, durable through `kill -9`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from mailit.domain.errors import MailItError, Unavailable
from mailit.engines.embedded.blobs import EmbeddedBlobs
from mailit.engines.embedded.database import Database, check_version
from mailit.engines.embedded.outbox import EmbeddedOutbox
from mailit.engines.embedded.queue import CREATE, EmbeddedQueue, QueueWrites
from mailit.engines.embedded.table import EmbeddedTable, Writes
from mailit.ports.clock import Clock
from mailit.ports.queue import QueueSpec
from mailit.ports.table import TableSpec


class Engine:
    """The ports on one folder."""

    inline_bytes = 64 * 1024
    """Content up to this size is cheaper in a row than in a file of its own (a file costs two fsyncs)."""

    def __init__(self, folder: Path, tables: Sequence[TableSpec], queues: Sequence[QueueSpec], clock: Clock) -> None:
        self._database = Database(folder)
        self._writes = Writes(tables)
        waiting = QueueWrites(queues, clock)
        self.table = EmbeddedTable(self._database, self._writes)
        self.queue = EmbeddedQueue(self._database, waiting)
        self.outbox = EmbeddedOutbox(self._database, self._writes, waiting)
        self.blobs = EmbeddedBlobs(folder)

    def create(self) -> None:
        """Make what is missing."""
        self._database.write(self._create)

    def _create(self, connection: sqlite3.Connection) -> None:
        check_version(connection)
        for statement in (*self._writes.create(), *CREATE):
            connection.execute(statement)

    def close(self) -> None:
        """Close this process's connections."""
        self._database.close()


def open_engine(folder: Path, tables: Sequence[TableSpec], queues: Sequence[QueueSpec], clock: Clock) -> Engine:
    """Open the engine in `folder`, which is made where it is missing."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"data folder: {error.strerror}") from error
    engine = Engine(folder, tables, queues, clock)
    try:
        engine.create()
    except MailItError:
        engine.close()
        raise
    return engine
