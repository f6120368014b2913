"""Port `Blobs`: bytes under a key of our own making (`team/kind/id`; letters, digits, `-`, `_`, `.`, `/`)."""

from __future__ import annotations

from typing import Protocol


class Blobs(Protocol):
    """Promises: a put that returned is durable and replaces what was there whole; a reader sees the old or the new
    bytes, never a mixture. Raises `NotFound`, `Unavailable`."""

    def put(self, key: str, data: bytes) -> None: ...

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """The bytes from `start`, at most `length` of them."""
        ...

    def delete(self, key: str) -> None:
        """Fine when it is not there."""
        ...
