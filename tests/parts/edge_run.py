"""The edge's outbound role in the test's own process, over a house, until its outbox is worked off."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from edge.outbound.failures import Failure
from edge.outbound.role import Outbound, Way
from edge.outbound.session import Target
from edge.outbound.timeouts import Timeouts
from mailit.contracts.jobs import ResultJob
from mailit.domain.times import SECOND
from mailit.ports.queue import Job
from mailit.stores.queues import RESULTS
from mailit.wiring.settings import Settings, load
from tests.house import House
from tests.parts.deadline import wait_for

NET = "example.net"
"""Where `house.email` goes by default."""

SETTINGS = {
    "MAILIT_MASTER_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "MAILIT_HOSTNAME": "mx.mailit.test",
    "MAILIT_OUTBOUND": "direct",
    "MAILIT_MX_PORT": "2525",
}
QUICK = Timeouts(
    connect=2, banner=0.5, ehlo=0.5, tls=1, mail=0.5, rcpt=0.5, data=0.5, block=0.5, dot=0.5, reset=0.5
)  # seconds


def settings(**changes: object) -> Settings:
    return replace(load(SETTINGS), data=Path("unused"), **changes)  # type: ignore[arg-type]


class Roads:
    """Domain → ports on loopback to try in order, or the failure to give."""

    def __init__(self, roads: Mapping[str, list[int] | Failure]) -> None:
        self._roads = roads

    async def targets(self, domain: str) -> list[Target]:
        found = self._roads[domain]
        if isinstance(found, Failure):
            raise found
        return [Target(f"mx{number}.{domain}", "127.0.0.1", port) for number, port in enumerate(found)]


def run_edge(
    house: House, roads: Mapping[str, list[int] | Failure], until: Callable[[], bool], **changes: object
) -> None:
    """Run until the condition holds (AssertionError after 10 s), then stop and wait for the end."""
    loop = asyncio.new_event_loop()
    role: list[Outbound] = []

    async def run() -> None:
        role.append(Outbound(house.deps, settings(**changes), Roads(roads), Way(random.Random(1), QUICK, 0.02)))
        await role[0].run()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    try:
        wait_for(lambda: (role and until()) or not thread.is_alive(), within=10, what="the edge")
        assert thread.is_alive()
    finally:
        loop.call_soon_threadsafe(role[0].stop)
        thread.join(15)
        loop.close()


def results(house: House) -> list[ResultJob]:
    """What was reported, taken from the queue."""
    found = house.deps.queue.receive(RESULTS, limit=1000)
    house.deps.queue.delete_many(found)
    return [ResultJob.model_validate_json(message.body) for message in found]


def deliver(
    house: House, roads: Mapping[str, list[int] | Failure], count: int = 1, **changes: object
) -> list[ResultJob]:
    """Dispatch what waits, and run the edge until it reported `count` results; these, in order of their times."""
    house.work_on_dispatch()
    queue = house.deps.queue
    run_edge(house, roads, lambda: queue.stats(RESULTS).waiting >= count, **changes)
    return results(house)


def after_pause(house: House, result: ResultJob) -> None:
    """Move the clock to the next attempt."""
    house.clock.forward((result.retry_at - house.clock.time) / SECOND + 0.001)


def put_back(house: House, found: Sequence[ResultJob]) -> None:
    """Give results back to their queue, for the worker that records them."""
    house.deps.queue.put_many([Job(RESULTS, result.model_dump_json()) for result in found])


def event(house: House, email_id: str) -> str:
    """The email's last event once the results are recorded."""
    house.work()
    return house.last_event(email_id)
