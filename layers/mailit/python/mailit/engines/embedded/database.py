"""The database file: connections, the write lock, and group commit.

One SQLite file in WAL mode. Readers use a connection of their own per thread. Writers go through `Writer`: a file lock
hands over fairly between processes (SQLite's busy handler sleeps and starves), and inside one process the thread that
gets it carries out everything its fellow threads have waiting, each in a savepoint of its own, and commits once.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from mailit.domain.errors import MailItError, Unavailable

SCHEMA_VERSION = 1

Result = TypeVar("Result")
Operation = Callable[[sqlite3.Connection], Result]

_GROUP = 64  # operations in one commit at most: bounds how long the first of them waits


class WrongVersion(MailItError):
    """The data folder was written by a newer MailIt."""


class _Pending(Generic[Result]):
    """An operation that waits for its commit."""

    def __init__(self, operation: Operation[Result]) -> None:
        self.operation = operation
        self.done = False
        self.result: Result | None = None
        self.error: BaseException | None = None

    def take(self) -> Result:
        if self.error is not None:
            raise self.error
        return cast(Result, self.result)


class Database:
    """Connections of one process. Usable from any thread and after a fork; nothing is opened before it is needed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "mailit.db"
        self._lock_path = folder / "write.lock"
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock_handles: list[int] = []
        self._opening = threading.Lock()
        self._writers = {durable: _Writer(self, durable) for durable in (True, False)}

    def _own(self) -> None:
        """After a fork the parent's connections must not be used, nor closed: closing drops its locks."""
        if self._pid != os.getpid():
            connections, handles = self._opened, self._lock_handles
            self._reset()
            self._inherited = connections
            for handle in handles:
                # A copy left open would keep the parent's lock alive after the parent's death.
                os.close(handle)

    def connect(self, *, durable: bool = True) -> sqlite3.Connection:
        """A new connection; the caller keeps it to one thread at a time."""
        try:
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
            connection.execute("pragma busy_timeout = 30000")
            connection.execute("pragma journal_mode = wal")
            connection.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
            connection.execute("pragma cache_size = -16000")
            connection.execute("pragma foreign_keys = off")
        except sqlite3.Error as error:
            raise Unavailable(f"database: {error}") from error
        with self._opening:
            self._opened.append(connection)
        return connection

    def reader(self) -> sqlite3.Connection:
        """This thread's connection for reading."""
        self._own()
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self.connect()
        return cast(sqlite3.Connection, connection)

    def read(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of one query."""
        try:
            return self.reader().execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise Unavailable(f"database: {error}") from error

    def write(self, operation: Operation[Result], *, durable: bool = True) -> Result:
        """Carry out `operation` in a transaction and return what it returned, once that is committed. An exception it
        raises undoes what it did, and that alone."""
        self._own()
        return self._writers[durable].run(operation)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """The write lock over all processes."""
        handle = getattr(self._local, "lock", None)
        if handle is None:
            handle = self._local.lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._lock_handles.append(handle)
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close what this process opened."""
        self._own()
        with self._opening:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
            for handle in self._lock_handles:
                os.close(handle)
            self._lock_handles.clear()
        self._writers = {durable: _Writer(self, durable) for durable in (True, False)}
        self._local = threading.local()


class _Writer:
    """Group commit. Whoever holds `_turn` leads: it commits its own operation and those that wait."""

    def __init__(self, database: Database, durable: bool) -> None:
        self._database = database
        self._durable = durable
        self._turn = threading.Lock()
        self._waiting: list[_Pending[Any]] = []
        self._guard = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def run(self, operation: Operation[Result]) -> Result:
        pending: _Pending[Result] = _Pending(operation)
        with self._guard:
            self._waiting.append(pending)
        with self._turn:
            while not pending.done:
                self._lead()
        return pending.take()

    def _lead(self) -> None:
        with self._guard:
            group, self._waiting = self._waiting[:_GROUP], self._waiting[_GROUP:]
        try:
            with self._database.lock():
                self._commit(group)
        except BaseException as error:
            failure = Unavailable(f"database: {error}") if isinstance(error, (sqlite3.Error, OSError)) else error
            for pending in group:
                # Whatever an operation returned, it was not committed.
                pending.result, pending.error = None, failure
            if not isinstance(error, (sqlite3.Error, OSError)):
                raise
        finally:
            for pending in group:
                pending.done = True

    def _commit(self, group: list[_Pending[Any]]) -> None:
        if self._connection is None:
            self._connection = self._database.connect(durable=self._durable)
        connection = self._connection
        connection.execute("begin immediate")
        try:
            for pending in group:
                self._carry_out(connection, pending, alone=len(group) == 1)
            connection.execute("commit")
        except BaseException:
            if connection.in_transaction:
                connection.execute("rollback")
            raise

    @staticmethod
    def _carry_out(connection: sqlite3.Connection, pending: _Pending[Any], *, alone: bool) -> None:
        if not alone:
            connection.execute("savepoint operation")
        try:
            pending.result = pending.operation(connection)
        except MailItError as error:
            pending.error = error
            # A transaction of its own would do too, but costs a file lock; nothing of it may stay.
            if alone:
                connection.execute("rollback")
                connection.execute("begin")
            else:
                connection.execute("rollback to operation")
        if not alone:
            connection.execute("release operation")


def check_version(connection: sqlite3.Connection) -> None:
    """Refuse a file of a newer version; mark a new one."""
    (found,) = connection.execute("pragma user_version").fetchone()
    if found > SCHEMA_VERSION:
        raise WrongVersion(f"the data folder has version {found}, this MailIt knows {SCHEMA_VERSION}")
    if found < SCHEMA_VERSION:
        connection.execute(f"pragma user_version = {SCHEMA_VERSION}")
