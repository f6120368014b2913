"""The database file of one process: connections for readers, two writers, and what a fork does to them."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from mailit.engines.embedded.commit import Operation, Writer
from mailit.engines.embedded.connection import Connection

Result = TypeVar("Result")


class Database:
    """One SQLite file in WAL mode, used from any thread. Readers and the writers do not wait for one another.

    SQLite keeps its locks by process: a connection that a fork carries over can damage the file, and so can a new one
    beside it in the child. So all are closed before a fork; parent and child open their own at the next use.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "mailit.db"
        self._lock_path = folder / "write.lock"
        self._start()
        _watch_forks(self)

    def _start(self) -> None:
        self._guard = threading.Lock()
        self._all: list[Connection] = []
        self._idle: list[Connection] = []
        self._durable = Writer(self._connection(writes=True, durable=True), self._lock_path)
        self._fast = Writer(self._connection(writes=True, durable=False), self._lock_path)

    def _connection(self, *, writes: bool, durable: bool) -> Connection:
        made = Connection(self._path, writes=writes, durable=durable)
        with self._guard:
            self._all.append(made)
        return made

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """A connection for reading that nobody else uses meanwhile."""
        connection = self._lend()
        try:
            yield connection
        finally:
            self._idle.append(connection)

    def _lend(self) -> Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connection(writes=False, durable=False)

    def read(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of one query."""
        connection = self._lend()
        try:
            return connection.query(sql, values)
        finally:
            self._idle.append(connection)

    def write(self, operation: Operation[Result], *, durable: bool = True) -> Result:
        """What `operation` returned, once that is committed; or what it raised, and then it left nothing.

        `durable=False` does not wait for the disk: the change survives a killed process, not a power cut.
        """
        return (self._durable if durable else self._fast).run(operation)

    def close(self) -> None:
        """Close every connection. A later use opens them again."""
        self._quiesce()
        self._resume()

    def _quiesce(self) -> None:
        """Wait until nobody is inside SQLite, keep everybody out, and close."""
        self._guard.acquire()
        for connection in self._all:
            connection.lock.acquire()
            connection.shut()

    def _resume(self) -> None:
        for connection in self._all:
            connection.lock.release()
        self._guard.release()


def _watch_forks(database: Database) -> None:
    """`os.register_at_fork` is for ever, so it must not keep a database alive."""
    watched = weakref.ref(database)

    def on(step: Callable[[Database], None]) -> Callable[[], None]:
        def call() -> None:
            alive = watched()
            if alive is not None:
                step(alive)

        return call

    os.register_at_fork(
        before=on(Database._quiesce), after_in_parent=on(Database._resume), after_in_child=on(Database._start)
    )
