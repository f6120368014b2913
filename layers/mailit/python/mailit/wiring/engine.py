"""What both engines offer."""

from __future__ import annotations

from typing import Protocol

from mailit.ports.blobs import Blobs
from mailit.ports.outbox import Outbox
from mailit.ports.queue import Queue
from mailit.ports.table import Table


class Engine(Protocol):
    """Four ports, and the size up to which content is cheaper in a row than in a blob."""

    @property
    def inline_bytes(self) -> int: ...

    @property
    def table(self) -> Table: ...

    @property
    def queue(self) -> Queue: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def blobs(self) -> Blobs: ...

    def close(self) -> None:
        """End threads and connections of this process."""
        ...
