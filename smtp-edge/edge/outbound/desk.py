"""Many tasks ask, one call answers: what comes in while a call is under way is served by the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")

_GROUP = 50  # questions in one call: others wait for the engine too


class Desk(Generic[Question, Answer]):
    """`call` blocks, so it runs on a thread of `threads`, one at a time. It answers each question, with an exception
    where that one failed; what it raises itself concerns all. Nobody waits for company: a lone question goes at once.

    Handing a call to a thread and back costs as much as claiming a recipient; so does every commit.
    """

    def __init__(self, call: Callable[[Sequence[Question]], Sequence[Answer | Exception]], threads: Executor) -> None:
        self._call = call
        self._threads = threads
        self._waiting: deque[tuple[Question, asyncio.Future[Answer]]] = deque()
        self._serving: asyncio.Future[Sequence[Answer | Exception]] | None = None

    async def ask(self, question: Question) -> Answer:
        """The answer to this question."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._serving is None:
            self._serve()
        return await future

    def _serve(self) -> None:
        group: list[tuple[Question, asyncio.Future[Answer]]] = []
        while self._waiting and len(group) < _GROUP:
            question, future = self._waiting.popleft()
            # Who stopped waiting gets no answer: a claim for nobody would hold up the recipient.
            if not future.done():
                group.append((question, future))
        if not group:
            self._serving = None
            return
        loop = asyncio.get_running_loop()
        self._serving = loop.run_in_executor(self._threads, self._call, [question for question, _ in group])
        self._serving.add_done_callback(lambda done: self._served(done, [future for _, future in group]))

    def _served(
        self, done: asyncio.Future[Sequence[Answer | Exception]], futures: Sequence[asyncio.Future[Answer]]
    ) -> None:
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        answers = [error] * len(futures) if error is not None else done.result()
        for future, answer in zip(futures, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self._serve()
