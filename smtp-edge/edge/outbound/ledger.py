"""The edge's side of the store: claims, outcomes, results. Engine calls block, so they run in a few threads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from edge.outbound.desk import Desk
from mailit.contracts.jobs import OutboundJob, ResultJob
from mailit.domain.emails import State
from mailit.domain.errors import ConditionFailed, PortError, Unavailable
from mailit.domain.times import Micros
from mailit.ports.queue import Job, Message
from mailit.ports.table import Write
from mailit.stores.deliveries import Claim, Deliveries, Recipient, Settled
from mailit.stores.queues import RESULTS
from mailit.usecases.deps import Deps

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger("edge.outbound")
_AGAIN = 1.0  # seconds between two tries to store an outcome
_TRIES = 120


@dataclass(slots=True)
class Turn:
    """A message being worked on, with the claim that allows it once there is one."""

    message: Message
    job: OutboundJob
    claim: Claim | None = field(default=None)

    @property
    def recipient(self) -> tuple[str, str, int]:
        """(team, email, number)."""
        return self.job.team, self.job.email_id, self.job.recipient


@dataclass(frozen=True, slots=True)
class _Wish:
    """A recipient that somebody wants to claim."""

    recipient: tuple[str, str, int]
    token: str
    now: Micros


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is to be stored about an attempt: rows, then results, then the end of the job."""

    writes: Sequence[Write]
    results: Sequence[Job]
    done: Sequence[Message]


class Ledger:
    """Reads and writes of deliveries. `lease`: how long a claim holds without being renewed."""

    def __init__(self, deps: Deps, lease: Micros, threads: Executor) -> None:
        self._deps = deps
        self._deliveries = Deliveries(deps.table)
        self._lease = lease
        self._threads = threads
        self._claims: Desk[_Wish, Claim | None] = Desk(self._claim_all, threads)
        self._entries: Desk[_Entry, None] = Desk(self._store_all, threads)

    @property
    def now(self) -> Micros:
        """The time of the store's rows."""
        return self._deps.clock.now()

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A blocking call, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: call(*args, **kwargs))

    async def claim(self, turn: Turn) -> Claim | None:
        """The right to try this recipient now, or None."""
        now = self.now
        return await self._claims.ask(_Wish(turn.recipient, self._deps.ids.new(now), now))

    def _claim_all(self, wishes: Sequence[_Wish]) -> list[Claim | Exception | None]:
        """Each in a write of its own: claims are independent, and one that fails says nothing about the others."""
        answers: list[Claim | Exception | None] = []
        for wish in wishes:
            try:
                claim = self._deliveries.claim(*wish.recipient, wish.token, wish.now, self._lease)
            except PortError as error:
                answers.append(error)
            else:
                answers.append(claim)
        return answers

    async def state(self, turn: Turn) -> Recipient | None:
        """The recipient as it stands."""
        return await self.run(self._deliveries.get, *turn.recipient)

    async def hold(self, turn: Turn, *, at_least: float) -> bool:
        """Make sure that the claim holds for that part of a lease from now on; False when it is lost."""
        assert turn.claim is not None
        now = self.now
        if turn.claim.lease_until - now >= at_least * self._lease:
            return True
        if turn.claim.lease_until <= now:
            return False  # somebody else may have it already: stopped for longer than the lease
        turn.claim = (
            await self.run(self._deliveries.renew, *turn.recipient, turn.claim, now + self._lease) or turn.claim
        )
        return turn.claim.lease_until > now + at_least * self._lease

    async def message_of(self, job: OutboundJob) -> bytes:
        """The signed message."""
        if job.message is not None:
            return job.message.encode()
        assert job.message_blob is not None
        return await self.run(self._deps.blobs.get, job.message_blob)

    async def settle(self, turn: Turn, state: State, results: Sequence[ResultJob]) -> None:
        """The attempt decided it: state, results and the end of the job in one commit."""
        assert turn.claim is not None
        settled = Settled(state, results[0].at, results[0].to_json())
        write = self._deliveries.settle(*turn.recipient, turn.claim, settled)
        try:
            await self._store([write], results, [turn.message])
        except ConditionFailed:
            # The claim was lost while the other side was answering. What it answered is true all the same, and keeps
            # whoever has the claim now from settling on something else.
            _log.warning(
                "email=%s recipient=%d settled after its lease was over", turn.job.email_id, turn.job.recipient
            )
            forced = self._deliveries.settle_anyway(*turn.recipient, settled)
            try:
                await self._store([forced], results, [turn.message])
            except ConditionFailed:
                await self._store([], results, [turn.message])

    async def tell(self, turn: Turn, results: Sequence[ResultJob]) -> None:
        """Results of a recipient that is settled already, and the end of the job."""
        await self._store([], results, [turn.message])

    async def pause(self, turn: Turn, result: ResultJob) -> None:
        """Another attempt will follow at `retry_at`. The row says so first: a job that comes early is sent away."""
        assert turn.claim is not None
        until = result.retry_at - 100_000
        write = self._deliveries.pause(*turn.recipient, turn.claim, until, result.at)
        try:
            await self._store([write], [result], [])
        except ConditionFailed:
            _log.warning("email=%s recipient=%d lost its lease", turn.job.email_id, turn.job.recipient)
            return  # whoever has the claim now decides; the job comes again by itself
        await self.defer(turn.message, max(0.0, (result.retry_at - self.now) / 1e6))

    async def _store(self, writes: Sequence[Write], results: Sequence[ResultJob], done: Sequence[Message]) -> None:
        """Tries for long: an outcome that is not stored is a duplicate to come."""
        jobs = [Job(RESULTS, result.to_json(), group=result.team) for result in results]
        entry = _Entry(writes, jobs, done)
        for left in range(_TRIES, 0, -1):
            try:
                await self._entries.ask(entry)
                return
            except Unavailable as error:
                if left == 1:
                    raise
                _log.error("an outcome cannot be stored: %s; trying again", error)
                await asyncio.sleep(_AGAIN)

    def _store_all(self, entries: Sequence[_Entry]) -> list[Exception | None]:
        """In one commit. When a condition fails nothing of it was handed on, and each is stored by itself: rows that
        an engine without transactions had written already are written again, or found to be final."""
        try:
            self._commit(entries)
        except ConditionFailed as error:
            return [error] if len(entries) == 1 else [self._store_one(entry) for entry in entries]
        return [None] * len(entries)

    def _store_one(self, entry: _Entry) -> Exception | None:
        try:
            self._commit([entry])
        except PortError as error:
            return error
        return None

    def _commit(self, entries: Sequence[_Entry]) -> None:
        self._deps.outbox.commit(
            [write for entry in entries for write in entry.writes],
            [job for entry in entries for job in entry.results],
            [message for entry in entries for message in entry.done],
        )

    async def defer(self, message: Message, seconds: float) -> None:
        """Give a job back for later."""
        await self.run(self._deps.queue.defer, message, seconds)

    async def drop(self, message: Message) -> None:
        """The job is done with."""
        await self.run(self._deps.queue.delete_many, [message])
