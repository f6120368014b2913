"""Takes jobs from the lanes, 6 : 3 : 1, never more than can be worked on, and no destination may take all places."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import cycle

from edge.outbound.worker import read_job
from mailit.contracts.jobs import OutboundJob
from mailit.domain.errors import PortError
from mailit.domain.lanes import TURNS, Lane
from mailit.ports.queue import Message, Queue
from mailit.stores.queues import outbound

_log = logging.getLogger("edge.intake")

_BATCH = 10
_TROUBLE = 1.0  # pause when the engine does not answer
_GATHER = 0.02  # seconds to wait for more free places when few are: taking one message costs as much as taking ten

Work = Callable[[Message, OutboundJob], Coroutine[None, None, None]]


class Intake:
    """`places`: attempts that run at once. `per_domain`: how many of them may be for one domain.
    `idle`: seconds of one wait for work, after which a `stop` is seen."""

    def __init__(self, queue: Queue, work: Work, places: int, per_domain: int, idle: float = 1.0) -> None:
        self._queue = queue
        self._work = work
        self._places = places
        self._per_domain = per_domain
        self._idle = idle
        self._turns = cycle(TURNS)
        self._running: set[asyncio.Task[None]] = set()
        self._domains: Counter[str] = Counter()
        self._stopping = asyncio.Event()
        self._freed = asyncio.Event()
        # Waiting for work blocks; it must not hold a thread that an outcome needs.
        self._thread = ThreadPoolExecutor(1, "intake")

    def stop(self) -> None:
        """Take nothing more."""
        self._stopping.set()
        self._freed.set()

    async def run(self, drain: float) -> None:
        """Until `stop`; then running attempts have `drain` seconds to end. What is cut off comes again."""
        while not self._stopping.is_set():
            try:
                await self._step()
            except PortError as error:
                _log.warning("the engine is unavailable: %s", error)
                await asyncio.sleep(_TROUBLE)
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=drain)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._thread.shutdown(wait=False)

    async def _step(self) -> None:
        free = await self._free_places()
        if free <= 0:
            return
        messages = await self._blocking(self.take, min(free, _BATCH))
        for message in messages:
            await self._start(message)

    async def _free_places(self) -> int:
        """Some; all of a batch if they come free in a moment. None when it is to stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_GATHER):
                await self._until_free(min(_BATCH, max(1, self._places // 4)))
        await self._until_free(1)
        return 0 if self._stopping.is_set() else self._places - len(self._running)

    async def _until_free(self, count: int) -> None:
        while self._places - len(self._running) < count and not self._stopping.is_set():
            self._freed.clear()
            await self._freed.wait()

    async def _blocking(self, call: Callable[[int], list[Message]], limit: int) -> list[Message]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, limit)

    def take(self, limit: int) -> list[Message]:
        """From the lane whose turn it is, or the next one that has something; waits a little when none has."""
        first = next(self._turns)
        lanes = [first, *(lane for lane in Lane if lane is not first)]
        for lane in lanes:
            messages = self._queue.receive(outbound(lane), limit=limit)
            if messages:
                return messages
        self._queue.wait_any([outbound(lane) for lane in Lane], self._idle)
        return []

    async def _start(self, message: Message) -> None:
        job = read_job(message)
        if job is None:
            return
        if self._domains[job.domain] >= self._per_domain:
            # Longer each time: a long queue for a slow destination must not go round and round.
            seconds = min(2.0 * message.receives, 60.0)
            await asyncio.get_running_loop().run_in_executor(self._thread, self._queue.defer, message, seconds)
            return
        self._domains[job.domain] += 1
        task = asyncio.create_task(self._work(message, job))
        self._running.add(task)
        task.add_done_callback(lambda done: self._ended(done, job.domain))

    def _ended(self, task: asyncio.Task[None], domain: str) -> None:
        self._running.discard(task)
        self._domains[domain] -= 1
        if not self._domains[domain]:
            del self._domains[domain]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("an attempt ended with %s; it comes again", type(error).__name__)
        self._freed.set()
