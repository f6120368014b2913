"""What a worker says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """A worker of queues. `batch`: messages it is given at most. `slow`: those of the queues whose jobs wait for
    somebody outside (DNS, a web server); outside AWS they get a process of their own."""

    name: str
    queues: tuple[str, ...]
    model: type[BaseModel]
    batch: int
    slow: tuple[str, ...] = ()

    @property
    def prompt(self) -> tuple[str, ...]:
        """The queues whose jobs do not wait for anybody outside."""
        return tuple(name for name in self.queues if name not in self.slow)


@dataclass(frozen=True, slots=True)
class TimerSpec:
    """A worker of the clock. `every`: seconds between two runs."""

    name: str
    every: int
