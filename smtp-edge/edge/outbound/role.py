"""The outbound role: everything between the outbound queues and the results queue."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

from edge.outbound.attempt import Courier, Routes
from edge.outbound.intake import Intake
from edge.outbound.ledger import Ledger
from edge.outbound.mx import Lab, Router
from edge.outbound.pool import Habits, Pool, opportunistic_context
from edge.outbound.resolver import Cached, Dns
from edge.outbound.timeouts import Timeouts
from edge.outbound.verdicts import Judge
from edge.outbound.worker import Worker, no_feedback
from edge.sandbox.routes import SandboxRoutes, simulated_feedback
from mailit.domain.times import SECOND
from mailit.usecases.deps import Deps
from mailit.wiring.settings import Settings

_THREADS = 8
_DRAIN = 7.0  # seconds
_SWEEP = 2.0
_SHUN = 10.0  # seconds
_SHARE = 4  # one destination gets at most a quarter of the places


@dataclass(frozen=True, slots=True)
class Way:
    """How it is gone about; tests choose others."""

    chance: random.Random
    timeouts: Timeouts = field(default_factory=Timeouts)
    idle: float = 1.0  # seconds of one wait for work


class Outbound:
    """Runs until it is stopped."""

    def __init__(self, deps: Deps, settings: Settings, routes: Routes, way: Way) -> None:
        self._threads: Executor = ThreadPoolExecutor(_THREADS, "ledger")
        tls = None if settings.sandbox else opportunistic_context()
        shun = min(_SHUN, settings.retry_schedule[0] / SECOND)
        self._pool = Pool(settings.hostname, way.timeouts, tls, Habits(shun=shun, keep=settings.edge_connections))
        ledger = Ledger(deps, settings.lease, self._threads)
        worker = Worker(
            ledger,
            Courier(routes, self._pool),
            Judge(settings.retry_schedule, way.chance),
            simulated_feedback if settings.sandbox else no_feedback,
            settings.lease / SECOND,
        )
        places = settings.edge_connections
        per_domain = places if settings.sandbox else max(1, places // _SHARE)
        self._intake = Intake(deps.queue, worker.work, places, per_domain, way.idle)

    def stop(self) -> None:
        """Take nothing more, and let what runs come to its end."""
        self._intake.stop()

    async def run(self) -> None:
        """Until `stop`."""
        sweeper = asyncio.create_task(self._sweep())
        try:
            await self._intake.run(_DRAIN)
        finally:
            sweeper.cancel()
            self._pool.close()
            for _ in range(3):  # closing a connection takes a few turns of the loop
                await asyncio.sleep(0)
            self._threads.shutdown(wait=False)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            self._pool.sweep()


def routes_of(settings: Settings, chance: random.Random) -> Routes:
    """Where the settings say that mail goes."""
    if settings.sandbox:
        return SandboxRoutes(settings.smtp_host, settings.smtp_port)
    lab = Lab(settings.allow_networks, settings.mx_port)
    return Router(Cached(Dns(settings.resolver)), settings.hostname, lab, chance)
