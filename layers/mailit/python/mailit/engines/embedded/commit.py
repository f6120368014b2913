"""Group commit: one fsync for all that wait.

A file lock hands over fairly between processes (SQLite's own busy handler sleeps, and starves). Inside one process the
thread that gets it carries out everything its fellow threads have waiting, each in a savepoint of its own, and
commits once.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

from mailit.domain.errors import Unavailable
from mailit.engines.embedded.connection import Connection, port_error

Result = TypeVar("Result")
Operation = Callable[[sqlite3.Connection], Result]

_GROUP = 64  # operations in one commit at most: bounds how long the first of them waits


class _Pending(Generic[Result]):
    """An operation that waits for its commit. As long as nothing else is known, it failed."""

    def __init__(self, operation: Operation[Result]) -> None:
        self.operation = operation
        self.taken = False
        self.result: Result | None = None
        self.failure: BaseException | None = None
        self.outcome: BaseException | None = Unavailable("database: the commit was interrupted")

    def __enter__(self) -> None:
        self.failure = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        """Keep an error for the thread whose operation this is: it is raised there, and concerns no other."""
        self.failure = error
        return isinstance(error, Exception)

    def take(self) -> Result:
        if self.outcome is not None:
            raise self.outcome
        return cast(Result, self.result)


class Writer:
    """Carries out operations, one transaction for each group of them."""

    def __init__(self, connection: Connection, lock_path: Path) -> None:
        self._connection = connection
        self._lock_path = lock_path
        self._waiting: deque[_Pending[Any]] = deque()
        self._turn = threading.Lock()

    def run(self, operation: Operation[Result]) -> Result:
        """What `operation` returned, once that is committed; or what it raised, and then it left nothing."""
        pending: _Pending[Result] = _Pending(operation)
        self._waiting.append(pending)
        with self._turn:
            while not pending.taken:
                self._lead()
        return pending.take()

    def _lead(self) -> None:
        group: list[_Pending[Any]] = []
        try:
            with self._connection.lock, _locked(self._lock_path):
                connection = self._connection.opened()
                # Taken only now: more have come while this thread waited for the lock.
                group = self._next_group()
                _commit(connection, group)
        except (sqlite3.Error, OSError) as error:
            # Even one that only read may have read what is now undone.
            for pending in group or self._next_group():
                pending.outcome = port_error(error)

    def _next_group(self) -> list[_Pending[Any]]:
        group: list[_Pending[Any]] = []
        while self._waiting and len(group) < _GROUP:
            # In this order: a signal between the two must not leave a thread waiting for what nobody has.
            self._waiting[0].taken = True
            group.append(self._waiting.popleft())
        return group


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """The write lock over all processes and writers. Opened anew each time (2 µs): a fork would share it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        # Said, not left to `close`: a program that is just being started holds a copy until it runs.
        fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)


def _commit(connection: sqlite3.Connection, group: list[_Pending[Any]]) -> None:
    connection.execute("begin immediate")
    try:
        for pending in group:
            _carry_out(connection, pending)
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise
    for pending in group:
        pending.outcome = pending.failure


def _carry_out(connection: sqlite3.Connection, pending: _Pending[Any]) -> None:
    connection.execute("savepoint operation")
    with pending:
        pending.result = pending.operation(connection)
    if isinstance(pending.failure, (sqlite3.Error, UnicodeEncodeError)):
        if not connection.in_transaction:
            # A full disk or an I/O error ends the whole transaction, not the one statement.
            raise pending.failure
        pending.failure = port_error(pending.failure)
    if pending.failure is not None:
        connection.execute("rollback to operation")
    connection.execute("release operation")
