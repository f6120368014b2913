"""From how an attempt ended to what becomes of the recipient."""

from __future__ import annotations

import random
from collections.abc import Sequence

from edge.outbound.attempt import Tried
from edge.outbound.failures import Failure, HostFailure
from mailit.bounce.classify import classify
from mailit.contracts.jobs import OutboundJob, Outcome, ResultJob
from mailit.domain.emails import State
from mailit.domain.retries import pause_after
from mailit.domain.times import Micros

_TEXT = 1000  # characters of a reply that are kept
_JITTER = 0.1

STATES: dict[Outcome, State] = {
    Outcome.DELIVERED: State.DELIVERED,
    Outcome.BOUNCED: State.BOUNCED,
    Outcome.FAILED: State.FAILED,
}
"""The final ones."""


class Judge:
    """Turns attempts into results. `schedule`: the pauses between attempts."""

    def __init__(self, schedule: Sequence[Micros], chance: random.Random) -> None:
        self._schedule = tuple(schedule)
        self._chance = chance

    def result(self, job: OutboundJob, attempt: int, tried: Tried, now: Micros) -> ResultJob:
        """What this attempt came to."""
        if tried.failure is None:
            assert tried.reply is not None
            reply = tried.reply
            return _result(job, attempt, Outcome.DELIVERED, now, tried, (reply.code, reply.enhanced, reply.text, "dot"))
        failure = tried.failure
        verdict = classify(failure.code, failure.enhanced, failure.stage)
        said = (failure.code, failure.enhanced, failure.text, failure.stage)
        # What speaks against the host says nothing about the message: another host may take it, or this one later.
        if verdict.permanent and not isinstance(failure, HostFailure):
            return _result(job, attempt, Outcome.BOUNCED, now, tried, said, hard=verdict.hard)
        pause = pause_after(attempt, self._schedule)
        if pause is None:
            return _result(job, attempt, Outcome.FAILED, now, tried, self._given_up(failure, attempt))
        retry_at = now + round(pause * (1 + _JITTER * self._chance.random()))
        return _result(job, attempt, Outcome.DELAYED, now, tried, said, retry_at=retry_at)

    @staticmethod
    def _given_up(failure: Failure, attempt: int) -> tuple[int, str, str, str]:
        text = f"given up after {attempt} attempts; the last one: {failure.text}"
        return failure.code, failure.enhanced or "4.4.7", text, failure.stage


def _result(
    job: OutboundJob,
    attempt: int,
    outcome: Outcome,
    now: Micros,
    tried: Tried,
    said: tuple[int, str, str, str],
    *,
    retry_at: Micros = 0,
    hard: bool = False,
) -> ResultJob:
    code, enhanced, text, stage = said
    return ResultJob(
        team=job.team,
        email_id=job.email_id,
        recipient=job.recipient,
        address=job.rcpt_to,
        attempt=attempt,
        outcome=outcome,
        at=now,
        code=code,
        enhanced=enhanced,
        text=text[:_TEXT],
        stage=stage,
        host=tried.target.host if tried.target else "",
        ip=tried.target.address if tried.target else "",
        tls=tried.tls,
        retry_at=retry_at,
        hard=hard,
    )
