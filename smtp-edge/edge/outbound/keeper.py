"""Keeps a claim alive while an attempt runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType


class Keeper:
    """`async with`: awaits `renew` every so many seconds meanwhile. A timer, and a task only for those that last:
    nearly all attempts are over in milliseconds."""

    def __init__(self, renew: Callable[[], Awaitable[None]], every: float) -> None:
        self._renew = renew
        self._every = every
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every, self._begin)

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            await self._renew()
            await asyncio.sleep(self._every)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            # Whatever became of it, the attempt's own outcome counts.
            await asyncio.gather(self._task, return_exceptions=True)
