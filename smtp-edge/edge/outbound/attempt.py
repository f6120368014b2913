"""One attempt at one recipient: the targets in turn, until one takes the message, says never, or none is left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from edge.outbound.failures import Failure, HostFailure, Reply
from edge.outbound.pool import Pool
from edge.outbound.session import Envelope, Session, Target
from edge.outbound.stuffing import stuff
from mailit.contracts.jobs import OutboundJob

Check = Callable[[], Awaitable[None]]


class LeaseLost(Failure):
    """Somebody else may have this recipient by now; nothing was sent."""


class Routes(Protocol):
    """Where mail for a domain goes."""

    async def targets(self, domain: str) -> list[Target]: ...


@dataclass(frozen=True, slots=True)
class Tried:
    """How it ended: `reply` where the message was taken, else `failure`. `target` None: no host was reached."""

    reply: Reply | None
    failure: Failure | None
    target: Target | None = None
    tls: str = ""


class Courier:
    """Makes attempts over a pool of connections."""

    def __init__(self, routes: Routes, pool: Pool) -> None:
        self._routes = routes
        self._pool = pool

    async def attempt(self, job: OutboundJob, message: bytes, check: Check) -> Tried:
        """`check` is awaited right before the message is sent and raises to keep it from being sent."""
        try:
            data = stuff(message)
        except ValueError as error:
            return Tried(None, Failure("data", str(error), 550, "5.6.0"))
        try:
            targets = await self._routes.targets(job.domain)
        except Failure as error:
            return Tried(None, error)
        last = Tried(None, Failure("connect", "no host", 0, "4.4.1"))
        for target in targets:
            last = await self._try(target, job, data, check)
            if not isinstance(last.failure, HostFailure):
                return last
        return last

    async def _try(self, target: Target, job: OutboundJob, data: bytes, check: Check) -> Tried:
        session: Session | None = None
        try:
            session = await self._pool.take(target, require_tls=job.require_tls)
            reused = session.used > 0
            try:
                return await self._deliver(session, job, data, check)
            except HostFailure:
                if not reused:
                    raise
            # A connection that was used before may have been at its end: that is no failure of the host.
            session.abort()
            session = await self._pool.open(target, require_tls=job.require_tls)
            return await self._deliver(session, job, data, check)
        except Failure as error:
            tls = session.tls if session is not None else ""
            self._after_failure(session, error, require_tls=job.require_tls)
            return Tried(None, error, target, tls)
        except BaseException:
            if session is not None:
                session.abort()
            raise

    async def _deliver(self, session: Session, job: OutboundJob, data: bytes, check: Check) -> Tried:
        envelope = Envelope(job.mail_from, job.rcpt_to, job.smtputf8)
        reply = await session.deliver(envelope, data, check)
        tried = Tried(reply, None, session.target, session.tls)
        self._pool.give_back(session, require_tls=job.require_tls)
        return tried

    def _after_failure(self, session: Session | None, error: Failure, *, require_tls: bool) -> None:
        if session is None:
            return
        if isinstance(error, HostFailure | LeaseLost):
            session.abort()
        else:
            self._pool.give_back(session, require_tls=require_tls)
