"""One attempt at one recipient: the targets in turn, until one takes the message, says never, or none is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edge.outbound.failures import Failure, HostFailure, Reply
from edge.outbound.pool import Pool
from edge.outbound.session import Check, MailObject, Session, Target
from edge.outbound.stuffing import stuff
from mailit.contracts.jobs import OutboundJob


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
        """`check`: see `Session.deliver`."""
        try:
            mail = MailObject(job.mail_from, job.rcpt_to, stuff(message), len(message), job.smtputf8)
        except ValueError as error:
            return Tried(None, Failure("data", str(error), 550, "5.6.0"))
        try:
            targets = await self._routes.targets(job.domain)
        except Failure as error:
            return Tried(None, error)
        last = Tried(None, Failure("connect", "no host", 0, "4.4.1"))
        for target in targets:
            last = await self._try(target, job.require_tls, mail, check)
            if not isinstance(last.failure, HostFailure):
                return last
        return last

    async def _try(self, target: Target, require_tls: bool, mail: MailObject, check: Check) -> Tried:
        session: Session | None = None
        try:
            session = await self._pool.take(target, require_tls=require_tls)
            reused = session.used > 0
            try:
                return await self._deliver(session, require_tls, mail, check)
            except HostFailure:
                if not reused:
                    raise
            # A connection that was used before may have been at its end: that is no failure of the host.
            session.abort()
            session = await self._pool.open(target, require_tls=require_tls)
            return await self._deliver(session, require_tls, mail, check)
        except Failure as error:
            tls = session.tls if session is not None else ""
            self._after_failure(session, error, require_tls=require_tls)
            return Tried(None, error, target, tls)
        except BaseException:
            if session is not None:
                session.abort()
            raise

    async def _deliver(self, session: Session, require_tls: bool, mail: MailObject, check: Check) -> Tried:
        reply = await session.deliver(mail, check)
        tried = Tried(reply, None, session.target, session.tls)
        self._pool.give_back(session, require_tls=require_tls)
        return tried

    def _after_failure(self, session: Session | None, error: Failure, *, require_tls: bool) -> None:
        if session is None:
            return
        if isinstance(error, HostFailure | LeaseLost):
            session.abort()
        else:
            self._pool.give_back(session, require_tls=require_tls)
