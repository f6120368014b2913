"""One outbound job from the queue to its outcome.

Claim, try, settle. What can happen in between, and what then becomes of it:

- killed before the claim: the message comes again after its visibility, nothing was done;
- killed between claim and the final dot: it comes again, the claim's lease is over by then, it is tried again;
- killed between the other side's 250 and the commit: as before, and the recipient gets a second copy (the crash window
  of RFC 5321 §4.5.4.2; nothing that two machines can do closes it);
- killed within the commit (`aws`, where it is several calls): the job comes again, finds the recipient settled, tells
  the outcome, which may not have been told, and goes; results may come twice;
- killed after the commit: the job is deleted with it.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable

from pydantic import ValidationError

from edge.outbound.attempt import Courier, LeaseLost, Tried
from edge.outbound.failures import Failure
from edge.outbound.keeper import Keeper
from edge.outbound.ledger import Ledger, Turn
from edge.outbound.verdicts import STATES, Judge
from mailit.contracts.jobs import OutboundJob, Outcome, ResultJob
from mailit.domain.errors import NotFound, PortError
from mailit.ports.queue import Message
from mailit.stores.deliveries import Recipient

_log = logging.getLogger("edge.outbound")

Feedback = Callable[[ResultJob], list[ResultJob]]
"""What a delivery brings about besides (the sandbox's complaints)."""


def no_feedback(_: ResultJob) -> list[ResultJob]:
    """Nothing."""
    return []


def read_job(message: Message) -> OutboundJob | None:
    """The job, None when it is none: it comes again until it is a dead letter, for somebody to look at."""
    try:
        return OutboundJob.model_validate_json(message.body)
    except ValidationError as error:
        _log.error("message=%s is no outbound job (%d faults)", message.id, error.error_count())
        return None


class Worker:
    """Works on one job at a time; many run side by side."""

    def __init__(self, ledger: Ledger, courier: Courier, judge: Judge, feedback: Feedback, lease: float) -> None:
        self._ledger = ledger
        self._courier = courier
        self._judge = judge
        self._feedback = feedback
        self._renew_every = lease / 3

    async def work(self, message: Message, job: OutboundJob) -> None:
        """What it cannot bring to an end comes again."""
        try:
            await self._work(Turn(message, job))
        except PortError as error:
            _log.error("email=%s recipient=%d: %s; it comes again", job.email_id, job.recipient, error)

    async def _work(self, turn: Turn) -> None:
        started = time.monotonic()
        turn.claim = await self._ledger.claim(turn)
        if turn.claim is None:
            await self._turned_away(turn)
            return
        tried = await self._try(turn)
        if isinstance(tried.failure, LeaseLost):
            _log.warning(
                "email=%s recipient=%d lost its lease; nothing was sent", turn.job.email_id, turn.job.recipient
            )
            return
        result = self._judge.result(turn.job, turn.claim.attempt, tried, self._ledger.now)
        _note(result, turn.job, time.monotonic() - started)
        if result.outcome is Outcome.DELAYED:
            await self._ledger.pause(turn, result)
        else:
            await self._ledger.settle(turn, STATES[result.outcome], [result, *self._feedback(result)])

    async def _turned_away(self, turn: Turn) -> None:
        """Settled: the job is done with, once that is told. Claimed by another, or its pause is not over: later."""
        recipient = await self._ledger.state(turn)
        if recipient is None or not recipient.open:
            await self._over(turn, recipient)
            return
        wait = (recipient.lease_until - self._ledger.now) / 1e6
        await self._ledger.defer(turn.message, min(max(wait, 0.0) + 0.2, 43_000))

    async def _over(self, turn: Turn, recipient: Recipient | None) -> None:
        if recipient is None or recipient.result is None:
            await self._ledger.drop(turn.message)
            return
        result = ResultJob.model_validate_json(recipient.result)
        await self._ledger.tell(turn, [result, *self._feedback(result)])

    async def _try(self, turn: Turn) -> Tried:
        async with Keeper(lambda: self._renew(turn), self._renew_every):
            try:
                message = await self._ledger.message_of(turn.job)
                return await self._courier.attempt(turn.job, message, lambda: self._still_ours(turn))
            except NotFound:
                return Tried(None, Failure("data", "the message is missing", 554, "5.3.0"))
            except PortError:
                raise
            except Exception as error:
                # A fault of ours uses up an attempt as any other does: it must not go round for ever.
                _note_fault(turn.job, error)
                return Tried(None, Failure("data", "the attempt broke off by an internal error", 0, "4.3.0"))

    async def _still_ours(self, turn: Turn) -> None:
        if not await self._ledger.hold(turn, at_least=0.5):
            raise LeaseLost("data", "the lease was lost")

    async def _renew(self, turn: Turn) -> None:
        try:
            await self._ledger.hold(turn, at_least=0.9)
        except PortError as error:
            _log.warning("email=%s: the lease cannot be renewed: %s", turn.job.email_id, error)


def _note_fault(job: OutboundJob, error: Exception) -> None:
    """Where, not what: messages of foreign exceptions quote addresses and bodies."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    _log.error("email=%s recipient=%d failed: %s\n%s", job.email_id, job.recipient, type(error).__name__, frames)


def _note(result: ResultJob, job: OutboundJob, seconds: float) -> None:
    _log.info(
        "email=%s recipient=%d attempt=%d result=%s code=%d enhanced=%s stage=%s domain=%s host=%s ip=%s tls=%s ms=%d",
        result.email_id,
        result.recipient,
        result.attempt,
        result.outcome,
        result.code,
        result.enhanced or "-",
        result.stage,
        job.domain,
        result.host or "-",
        result.ip or "-",
        result.tls or "-",
        seconds * 1000,
    )
