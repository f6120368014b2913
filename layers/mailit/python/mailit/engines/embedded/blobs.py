"""Port `Blobs` as files: written beside, synced, renamed; so a reader sees all of one version."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from mailit.domain.errors import NotFound, Refused, Unavailable

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class EmbeddedBlobs:
    """Port `Blobs`. What a crash leaves in `incoming` was never acknowledged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "blobs"
        self._incoming = folder / "incoming"

    def _path(self, key: str) -> Path:
        if len(key) > 512 or not _KEY.fullmatch(key):
            raise Refused("not a blob key")
        return self._folder / key

    def put(self, key: str, data: bytes) -> None:
        path = self._path(key)
        beside = self._incoming / secrets.token_hex(16)
        try:
            self._make(path.parent)
            self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
            with beside.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.rename(path)
            _sync(path.parent)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise Unavailable(f"blobs: {error.strerror}") from error

    def _make(self, folder: Path) -> None:
        """Make a folder durably: its entry in its parent is synced too."""
        if folder.is_dir():
            return
        self._make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync(folder.parent)

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


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
