"""The embedded engine: one folder on one machine, no server, durable through `kill -9`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mailit.domain.errors import MailItError, Unavailable
from mailit.engines.embedded.blobs import EmbeddedBlobs
from mailit.engines.embedded.database import Database
from mailit.engines.embedded.messages import CREATE, Messages
from mailit.engines.embedded.outbox import EmbeddedOutbox
from mailit.engines.embedded.queue import EmbeddedQueue
from mailit.engines.embedded.schema import create_all
from mailit.engines.embedded.table import EmbeddedTable
from mailit.engines.embedded.writes import Writes
from mailit.ports.clock import Clock
from mailit.ports.queue import QueueSpec
from mailit.ports.table import TableSpec


class Engine:
    """The ports on one folder. Safe for threads and processes; after a fork both sides may go on using it."""

    inline_bytes = 64 * 1024
    """Content up to this size is cheaper in a row than in a file of its own (a file costs two fsyncs)."""

    def __init__(self, folder: Path, tables: Sequence[TableSpec], queues: Sequence[QueueSpec], clock: Clock) -> None:
        self._database = Database(folder)
        self._writes = Writes(tables)
        messages = Messages(queues, clock)
        self.table = EmbeddedTable(self._database, self._writes)
        self.queue = EmbeddedQueue(self._database, messages)
        self.outbox = EmbeddedOutbox(self._database, self._writes, messages)
        self.blobs = EmbeddedBlobs(folder)

    def create(self) -> None:
        """Make what is missing in the file."""
        tables = tuple(self._writes.tables.values())
        self._database.write(lambda connection: create_all(connection, tables, CREATE))

    def close(self) -> None:
        """Close this process's connections; a later use opens them again."""
        self._database.close()


def open_engine(folder: Path, tables: Sequence[TableSpec], queues: Sequence[QueueSpec], clock: Clock) -> Engine:
    """Open the engine in `folder`, which is made where it is missing. Several processes may do so at once.

    Raises `UnusableData` when the folder is damaged or of a newer version, `Unavailable` when it cannot be written.
    """
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
