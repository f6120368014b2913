"""Port `Blobs` as files: written beside, synced, renamed; so a reader sees all of one version."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from mailit.domain.errors import NotFound, Refused, Unavailable
from mailit.ports.blobs import check_key


class EmbeddedBlobs:
    """Port `Blobs`. What a crash leaves in `incoming` was never acknowledged and is never read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "blobs"
        self._incoming = folder / "incoming"
        self._synced: set[Path] = set()  # folders whose entry in their parent this process knows to be on the disk

    def _path(self, key: str) -> Path:
        check_key(key)
        return self._folder / key

    def put(self, key: str, data: bytes) -> None:
        path = self._path(key)
        beside = self._incoming / secrets.token_hex(16)
        try:
            self._make(self._incoming)
            self._make(path.parent)
            _write(beside, data)
            beside.rename(path)
            _sync(path.parent)
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            if isinstance(error, (FileExistsError, IsADirectoryError, NotADirectoryError)):
                raise Refused("a part of this blob key is a blob, or this key a part of another's") from error
            raise Unavailable(f"blobs: {error.strerror}") from error

    def _make(self, folder: Path) -> None:
        """Make a folder durably: another process may have made it and died before it was on the disk."""
        if folder in self._synced:
            return
        if folder.parent != self._folder.parent:
            self._make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync(folder.parent)
        self._synced.add(folder)

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        if start < 0 or (length is not None and length < 0):
            raise Refused("not a range")
        try:
            with self._path(key).open("rb") as file:
                file.seek(start)
                return file.read() if length is None else file.read(length)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotFound("no such blob") from error
        except OSError as error:
            raise Unavailable(f"blobs: {error.strerror}") from error

    def delete(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except (IsADirectoryError, NotADirectoryError):
            return
        except OSError as error:
            raise Unavailable(f"blobs: {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
