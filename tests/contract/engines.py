"""The engines that the contract suite runs on, and the tables and queues it uses.

`place` is what a second process needs to open the same engine: a folder here, an endpoint elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mailit.domain.times import Micros
from mailit.engines.embedded.engine import open_engine
from mailit.ports.blobs import Blobs
from mailit.ports.outbox import Outbox
from mailit.ports.queue import Queue, QueueSpec
from mailit.ports.table import Index, Table, TableSpec
from tests.contract import aws

TABLES = (
    TableSpec(
        "rows", (Index("by_owner", "owner", "rank"), Index("by_age", "owner", "age", numeric=True)), expires="expires"
    ),
    TableSpec("others"),
)
QUEUES = (QueueSpec("work", visibility=30, max_receives=3), QueueSpec("other", visibility=60))


class Clock:
    """A clock that stands still until a test moves it. Every process of a test has the same time."""

    def __init__(self) -> None:
        self.time: Micros = 1_795_000_000_000_000

    def now(self) -> Micros:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += round(seconds * 1_000_000)


class Engine(Protocol):
    """What every engine offers."""

    @property
    def table(self) -> Table: ...

    @property
    def queue(self) -> Queue: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def blobs(self) -> Blobs: ...


def _no_more(_: str, __: float) -> None:
    """The clock it was opened with is all the time it has."""


@dataclass(frozen=True)
class Kind:
    """An engine under test. `find` gives an empty place, `open` opens it (again), `forward` lets seconds pass there.
    `ports`: what it has."""

    name: str
    find: Callable[[Path], str]
    open: Callable[[str, Clock], AbstractContextManager[Engine]]
    forward: Callable[[str, float], None] = _no_more
    ports: frozenset[str] = frozenset({"table", "queue", "blobs"})
    in_check: bool = True  # quick, and needs nothing but Python packages


@contextmanager
def _embedded(place: str, clock: Clock) -> Iterator[Engine]:
    engine = open_engine(Path(place), TABLES, QUEUES, clock)
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def _aws(place: str, _: Clock) -> Iterator[Engine]:
    with aws.opened(place, TABLES, QUEUES) as engine:
        yield engine


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("embedded", lambda folder: str(folder / "data"), _embedded),
        Kind(
            "moto",
            lambda _: aws.fresh_place(aws.moto()),
            _aws,
            lambda _, seconds: aws.forward_moto(seconds),
            in_check=False,
        ),
        Kind(
            "ministack",
            lambda _: aws.fresh_place(aws.ministack().endpoint),
            _aws,
            lambda _, seconds: aws.ministack().forward(seconds),
            in_check=False,
        ),
        Kind(
            "dynalite",
            lambda _: aws.fresh_place(aws.dynalite().endpoint, tables_alone=True),
            _aws,
            ports=frozenset({"table"}),
            in_check=False,
        ),
    )
}
