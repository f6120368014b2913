"""What a use case is given. Built once per process by `mailit.wiring`, by hand in tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mailit.domain.ids import Ids
from mailit.domain.times import Micros
from mailit.ports.blobs import Blobs
from mailit.ports.clock import Clock
from mailit.ports.http_out import HttpOut
from mailit.ports.outbox import Outbox
from mailit.ports.queue import Queue
from mailit.ports.resolver import Resolver
from mailit.ports.table import Table
from mailit.stores.emails import Emails

ParseTime = Callable[[str, Micros], Micros | None]
"""(`tomorrow at 9am`, now) → the moment meant, None when the text means none."""


@dataclass(frozen=True, slots=True)
class Options:
    """The settings that use cases ask for."""

    hostname: str  # the edge's public name
    spf: str  # SPF mechanism that names the edge's addresses
    rates: Mapping[str, int]  # requests per second by class
    sandbox: bool
    inline_bytes: int  # content up to this size lives in the row, above in a blob; the engine's choice
    engine: str


@dataclass(frozen=True, slots=True, eq=False)
class Deps:
    """Ports and settings."""

    table: Table
    outbox: Outbox
    queue: Queue
    blobs: Blobs
    resolver: Resolver
    http: HttpOut
    clock: Clock
    ids: Ids
    parse_time: ParseTime
    master_key: bytes
    options: Options

    @property
    def emails(self) -> Emails:
        """The store of emails; the only one that needs more than the table."""
        return Emails(self.table, self.blobs, self.options.inline_bytes)
