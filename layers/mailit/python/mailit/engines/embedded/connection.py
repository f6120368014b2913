"""One SQLite connection: opened when it is first used, closed before a fork, its errors translated."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

from mailit.domain.errors import MailItError, Refused, Unavailable

_BUSY = 30.0  # seconds; only a foreign program can hold the file that long, our own writers queue at the file lock
_CHECKPOINT = 4000  # pages of 4 KB: most pages of a queue are written again before that, and go to the file once
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class UnusableData(MailItError):
    """The data folder is damaged, or a newer MailIt wrote it: trying again does not help, a person must look."""


def port_error(error: sqlite3.Error | OSError | UnicodeEncodeError) -> Exception:
    """What a caller of a port is to see."""
    if isinstance(error, UnicodeEncodeError):
        return Refused("text with half a surrogate pair is not Unicode")
    if isinstance(error, (sqlite3.ProgrammingError, sqlite3.InterfaceError)):
        return error  # our own fault, not the disk's
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
        return UnusableData(f"database: {error}")
    return Unavailable(f"database: {error}")


class Connection:
    """Safe to share: one thread at a time gets in."""

    def __init__(self, path: Path, *, writes: bool, durable: bool) -> None:
        self._path = path
        self._writes = writes
        self._durable = durable
        self._opened: sqlite3.Connection | None = None
        self.lock = threading.Lock()

    def opened(self) -> sqlite3.Connection:
        """The connection, for who holds `lock`; a writer holds the file lock, too: of two that turn a new file to WAL
        at once, SQLite fails one without waiting. Its errors come out as they are."""
        return self._opened or self._open()

    def query(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of one query."""
        try:
            with self.lock:
                return self.opened().execute(sql, values).fetchall()
        except (sqlite3.Error, UnicodeEncodeError) as error:
            raise port_error(error) from error

    def shut(self) -> None:
        """Close it; for who holds `lock`. The next use opens it again."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _open(self) -> sqlite3.Connection:
        opened = sqlite3.connect(self._path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        try:
            if self._writes:
                if not self._path.stat().st_size:
                    # New, and readable for everybody; SQLite's other files will take over the rights of this one.
                    self._path.chmod(0o600)
                opened.execute("pragma journal_mode = wal")
                opened.execute(f"pragma wal_autocheckpoint = {_CHECKPOINT}")
                opened.execute(f"pragma synchronous = {'full' if self._durable else 'normal'}")
            else:
                opened.execute("pragma query_only = on")
        except (sqlite3.Error, OSError):
            opened.close()
            raise
        self._opened = opened
        return opened
