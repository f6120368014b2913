"""`python -m gateway triggers`: queue messages and timers become the events that the workers are called with.

A few child processes poll the queues of mail; one more serves the queues whose jobs wait for somebody outside, so that
a slow name server or web server holds up nobody's mail, and one keeps the timers, so that it holds up no timer. What a
worker did not report as failed is deleted; what failed, or was being worked on when a process died, comes again after
its visibility.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import cycle

from gateway.catalogue import Catalogue, load
from gateway.crew import Crew, on_ending
from mailit import wiring
from mailit.domain.errors import Unavailable
from mailit.domain.lanes import TURNS
from mailit.ports.queue import Message, Queue
from mailit.wiring.settings import Settings
from mailit.work import QueueWorker, Timer

_log = logging.getLogger("gateway.triggers")

_IDLE = 1.0  # seconds a wait lasts at most: timers and signals are looked at in between
_TROUBLE = 1.0  # pause when the engine does not answer


Source = tuple[str, QueueWorker]
"""A queue and who works on it."""


def prompt_sources(workers: Sequence[QueueWorker]) -> list[Source]:
    """The queues whose jobs wait for nobody outside."""
    return [(name, worker) for worker in workers for name in worker.spec.prompt]


def slow_sources(workers: Sequence[QueueWorker]) -> list[Source]:
    """The queues whose jobs may wait for the DNS or for somebody's server."""
    return [(name, worker) for worker in workers for name in worker.spec.slow]


class Poller:
    """One process's loop over the queues of all workers."""

    def __init__(self, queue: Queue, sources: Sequence[Source], timers: Sequence[Timer]) -> None:
        self._queue = queue
        self._sources = list(sources)
        self._by_name = dict(self._sources)
        self._turns = cycle(_turns([name for name, _ in self._sources]))
        self._timers = {timer.spec.name: timer for timer in timers}
        self._next_run = dict.fromkeys(self._timers, 0.0)
        self._stopping = False

    def stop(self) -> None:
        """Finish what is being worked on, then return from `run`."""
        self._stopping = True

    def run(self) -> None:
        """Until `stop`."""
        while not self._stopping:
            try:
                self._run_timers()
                if not self._sources:
                    time.sleep(_IDLE)
                elif not self.sweep():
                    self._queue.wait_any([name for name, _ in self._sources], _IDLE)
            except Unavailable as error:
                _log.warning("the engine is unavailable: %s", error)
                time.sleep(_TROUBLE)

    def sweep(self) -> bool:
        """One turn, and when its queue is empty one for each of the others; False when all are empty."""
        first = next(self._turns)
        return any(self._serve(name) for name in (first, *(name for name, _ in self._sources if name != first)))

    def _serve(self, name: str) -> bool:
        worker = self._by_name[name]
        messages = self._queue.receive(name, limit=worker.spec.batch)
        if not messages:
            return False
        answer = worker(_event(messages))
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        self._queue.delete_many([message for message in messages if message.id not in failed])
        return True

    def _run_timers(self) -> None:
        for name, timer in self._timers.items():
            if time.monotonic() >= self._next_run[name]:
                self._next_run[name] = time.monotonic() + timer.spec.every
                self._fire(timer)

    def _fire(self, timer: Timer) -> None:
        try:
            timer(_schedule_event())
        except Exception:
            _log.exception("timer=%s failed; it runs again in %d s", timer.spec.name, timer.spec.every)


def _turns(names: Sequence[str]) -> Iterator[str]:
    """Queues in the order of their turns: lanes by their shares, queues without lanes once after each lane's turn."""
    laned = [name for name in names if name.rpartition("-")[2] in set(TURNS)]
    plain = [name for name in names if name not in laned]
    kinds = dict.fromkeys(name.rpartition("-")[0] for name in laned)
    for lane in TURNS:
        yield from (f"{kind}-{lane}" for kind in kinds)
        yield from plain


def _event(messages: Iterable[Message]) -> dict[str, object]:
    """An SQS event as Lambda gives it."""
    return {
        "Records": [
            {
                "messageId": message.id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": {"ApproximateReceiveCount": str(message.receives)},
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:::{message.queue}",
                "awsRegion": "",
            }
            for message in messages
        ]
    }


def _schedule_event() -> dict[str, object]:
    """An EventBridge event as Lambda gives it."""
    return {
        "version": "0",
        "account": "",
        "region": "",
        "detail": {},
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "time": "",
        "id": "",
        "resources": [],
    }


def triggers(settings: Settings) -> None:
    """Keep the pollers running until told to stop."""
    found = load()
    Crew(settings.triggers + 2, partial(_poll, found)).run()


def _poll(found: Catalogue, number: int) -> None:
    poller = Poller(wiring.get().queue, *duties(found, number))
    on_ending(poller.stop)
    poller.run()


def duties(found: Catalogue, number: int) -> tuple[list[Source], tuple[Timer, ...]]:
    """What a process works on: number 0 keeps the timers, 1 serves the slow queues, all others work on mail."""
    if number == 0:
        return [], found.timers
    return (slow_sources if number == 1 else prompt_sources)(found.workers), ()
