"""Port `Blobs`: bytes under a key of our own making (`team/kind/id`; letters, digits, `-`, `_`, `.`, `/`)."""

from __future__ import annotations

import re
from typing import Protocol

from mailit.domain.errors import Refused

# No segment begins with a dot, so none leads out of a folder.
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,199})*")
_MAX_KEY = 512


def check_key(key: str) -> None:
    """`Refused` when it is no key."""
    if len(key) > _MAX_KEY or not _KEY.fullmatch(key):
        raise Refused("not a blob key")


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
