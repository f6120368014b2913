"""The one composition root: settings → engine → Deps. Nothing is built before somebody asks for it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import lru_cache

from mailit.domain.ids import Ids
from mailit.engines.net.clock import SystemClock
from mailit.engines.net.times import parse_time
from mailit.ports.clock import Clock
from mailit.ports.queue import QueueSpec
from mailit.stores.queues import QUEUES
from mailit.stores.tables import TABLES
from mailit.usecases.deps import Deps, Options
from mailit.wiring.engine import Engine
from mailit.wiring.late import LateHttp, LateResolver
from mailit.wiring.settings import Settings, load


@dataclass(frozen=True, slots=True)
class Wired:
    """What a process runs on. `engine` is to be closed by who built it."""

    settings: Settings
    engine: Engine
    deps: Deps


def queues_of(settings: Settings) -> list[QueueSpec]:
    """The queues, with the visibility that the settings ask for in place of their own."""
    return [replace(spec, visibility=settings.visibility or spec.visibility) for spec in QUEUES]


def build(settings: Settings) -> Wired:
    """Open the engine and put everything together."""
    clock = SystemClock()
    engine = _engine(settings, clock)
    deps = Deps(
        table=engine.table,
        outbox=engine.outbox,
        queue=engine.queue,
        blobs=engine.blobs,
        resolver=LateResolver(settings.resolver),
        http=LateHttp(settings.allow_networks),
        clock=clock,
        ids=Ids(),
        parse_time=parse_time,
        master_key=settings.master_key,
        options=Options(
            hostname=settings.hostname,
            spf=settings.spf,
            rates=settings.rates,
            sandbox=settings.sandbox,
            inline_bytes=engine.inline_bytes,
            engine=settings.engine,
        ),
    )
    return Wired(settings, engine, deps)


def _engine(settings: Settings, clock: Clock) -> Engine:
    """The engine that the settings name; the other one is not even imported."""
    queues = queues_of(settings)
    if settings.aws is not None:
        from mailit.engines.aws.engine import Engine as Aws

        return Aws(settings.aws, TABLES, queues)
    from mailit.engines.embedded.engine import open_engine

    return open_engine(settings.data, TABLES, queues, clock)


@lru_cache(maxsize=1)
def wired() -> Wired:
    """This process's own, built from its environment at the first call."""
    return build(load(os.environ))


def get() -> Deps:
    """The Deps of this process."""
    return wired().deps
