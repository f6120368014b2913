"""The shim of workers: `@queue_worker(…)` and `@timer(…)` make deployables of handlers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from mailit.usecases.deps import Deps
from mailit.work.queue import QueueWorker
from mailit.work.spec import TimerSpec, WorkerSpec
from mailit.work.timer import Timer

__all__ = ["QueueWorker", "Timer", "TimerSpec", "WorkerSpec", "queue_worker", "timer"]

Job = TypeVar("Job", bound=BaseModel)


def queue_worker(
    name: str, *, queues: tuple[str, ...], model: type[Job], batch: int, slow: tuple[str, ...] = ()
) -> Callable[[Callable[[Sequence[Job], Deps], None]], QueueWorker]:
    """The handler is given a whole batch; when it raises, each job alone, so that a bad one fails alone."""

    def deploy(handler: Callable[[Sequence[Any], Deps], None]) -> QueueWorker:
        return QueueWorker(WorkerSpec(name, queues, model, batch, slow), handler)

    return deploy


def timer(name: str, *, every: int) -> Callable[[Callable[[Deps], object]], Timer]:
    """The handler runs every so many seconds, and may run twice at once."""

    def deploy(handler: Callable[[Deps], object]) -> Timer:
        return Timer(TimerSpec(name, every), handler)

    return deploy
