"""What is deployed: the functions of the catalogue, the tables and the queues."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from gateway.catalogue import load
from mailit.http import RouteSpec
from mailit.ports.queue import QueueSpec
from mailit.ports.table import TableSpec
from mailit.stores.queues import QUEUES
from mailit.stores.tables import TABLES
from mailit.work.spec import TimerSpec, WorkerSpec


@dataclass(frozen=True)
class Bundle:
    """Everything in the order in which it is written."""

    routes: tuple[RouteSpec, ...]
    workers: tuple[WorkerSpec, ...]
    timers: tuple[TimerSpec, ...]
    tables: tuple[TableSpec, ...]
    queues: tuple[QueueSpec, ...]

    @cached_property
    def resources(self) -> list[str]:
        """The resources of the API, as folders below `functions/`."""
        return sorted({folder(spec) for spec in self.routes})

    @cached_property
    def edge_queues(self) -> list[str]:
        """The queues that no function works on: the edge does."""
        served = {name for spec in self.workers for name in spec.queues}
        return [spec.name for spec in self.queues if spec.name not in served]

    def visibility(self, name: str) -> int:
        """Of a queue."""
        return next(spec.visibility for spec in self.queues if spec.name == name)


def folder(spec: RouteSpec) -> str:
    """`api-keys/create` → `api_keys`."""
    return spec.id.partition("/")[0].replace("-", "_")


def handler(spec: RouteSpec) -> str:
    """`api-keys/create` → `api_keys.create.handler`, seen from `functions/`."""
    return spec.id.replace("-", "_").replace("/", ".") + ".handler"


def bundle() -> Bundle:
    """This tree's."""
    found = load()
    return Bundle(
        routes=tuple(sorted((function.spec for function in found.routes), key=lambda spec: spec.id)),
        workers=tuple(worker.spec for worker in found.workers),
        timers=tuple(timer.spec for timer in found.timers),
        tables=TABLES,
        queues=QUEUES,
    )
