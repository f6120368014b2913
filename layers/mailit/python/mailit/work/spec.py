"""What a worker says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """A worker of queues. `batch`: messages it is given at most."""

    name: str
    queues: tuple[str, ...]
    model: type[BaseModel]
    batch: int


@dataclass(frozen=True, slots=True)
class TimerSpec:
    """A worker of the clock. `every`: seconds between two runs."""

    name: str
    every: int
