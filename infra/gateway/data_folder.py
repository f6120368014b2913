"""The data folder: who may use it, and the secrets that are kept in it."""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailit.domain.errors import MailItError


class CannotStart(MailItError):
    """Something is missing or in the way; the message says what."""


class DataFolder:
    """Readable by its owner alone; used by one supervisor at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.ready = path / "ready.json"
        self._api_key = path / "api-key"
        self._master_key = path / "master.key"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Made where it is missing, and nobody else's meanwhile. Raises `CannotStart`."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
            lock = (self.path / "up.lock").open("w")
        except OSError as error:
            raise CannotStart(f"the data folder {self.path} cannot be used ({error.strerror})") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CannotStart(f"another MailIt runs on the data folder {self.path}") from None
            self.ready.unlink(missing_ok=True)  # of a run that was killed: nobody may take it for ours
            yield

    def master_key(self) -> Path:
        """The file with the key that encrypts all others: made on the first run, never again."""
        if not self._master_key.exists():
            if self._api_key.exists():
                raise CannotStart(
                    f"{self._master_key} is gone, and nothing in the folder can be decrypted without it: put it back"
                )
            self.write(self._master_key, base64.b64encode(secrets.token_bytes(32)).decode())
        return self._master_key

    @property
    def api_key(self) -> str | None:
        """The API key that is shown at each start; None before the first."""
        return self._api_key.read_text("utf-8").strip() if self._api_key.exists() else None

    def keep_api_key(self, key: str) -> None:
        """Show this one from now on."""
        self.write(self._api_key, key)

    def write(self, path: Path, text: str) -> None:
        """A line of text: whole or not at all, also through a power cut, readable by the owner alone."""
        beside = path.with_suffix(".new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
