"""What an email costs when the store is full: accepted, dispatched, recorded, after 1,000 and 1,000,000 others."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from mailit.contracts.jobs import OutboundJob, Outcome, ResultJob
from mailit.domain.emails import Event, Phase
from mailit.domain.ids import Ids
from mailit.domain.lanes import Lane
from mailit.mime.message_id import message_id
from mailit.ports.queue import Job
from mailit.ports.table import Put
from mailit.stores.emails import Email, Emails
from mailit.stores.queues import RESULTS, outbound
from tools.bench import mail
from tools.bench.folder import temporary
from tools.bench.rig import DOMAIN, Rig, rig

SIZES: dict[str, int] = {"1k": 1_000, "100k": 100_000, "1m": 1_000_000}
_FILL_WITHIN = 150.0  # seconds
_CHUNK = 5000
_ROUNDS, _EMAILS = 5, 100
_APART = 50_000  # microseconds between two emails of the past


def measure() -> dict[str, float]:
    """The emails of the past have their own row alone: it is the one in the indexes, which are what grows."""
    values: dict[str, float] = {}
    with temporary("rows") as folder, rig(folder) as made:
        past = _past(made)
        filled, deadline = 0, time.monotonic() + _FILL_WITHIN
        _round(made)
        for name, size in SIZES.items():
            while filled < size:
                made.deps.table.put_many([next(past) for _ in range(min(_CHUNK, size - filled))])
                filled += min(_CHUNK, size - filled)
                if time.monotonic() > deadline:
                    raise RuntimeError(f"only {filled} rows could be filled in within {_FILL_WITHIN:g} s")
            values[f"email_cpu_ms_{name}"] = min(_round(made) for _ in range(_ROUNDS)) / _EMAILS * 1000
    values["rows_1k_vs_1m_ratio"] = values["email_cpu_ms_1m"] / values["email_cpu_ms_1k"]
    return values


def _past(made: Rig) -> Iterator[Put]:
    """Rows of emails that were delivered long ago, oldest first."""
    store = Emails(made.deps.table, made.deps.blobs, made.deps.options.inline_bytes)
    ids, at = Ids(), made.deps.clock.now() - 2 * SIZES["1m"] * _APART
    number = 0
    while True:
        at, number = at + _APART, number + 1
        email_id = ids.new(at)
        email = Email(
            id=email_id,
            team=made.team,
            created_at=at,
            from_=mail.SENDER,
            to=(mail.recipient(number),),
            cc=(),
            bcc=(),
            reply_to=(),
            subject=f"Your order {number} is on its way",
            message_id=message_id(email_id, DOMAIN),
            domain_id=email_id,
            lane=Lane.DEFAULT,
            tags=(),
            recipients=1,
            remote=False,
            phase=Phase.DISPATCHED,
            last_event=Event.DELIVERED,
            last_event_at=at + 1,
            scheduled_at=None,
            due=None,
        )
        yield store.new(made.team, email, "{}")[1]


def _round(made: Rig) -> float:
    """CPU seconds of some emails on their way, without the edge's part."""
    bodies = [mail.single(number) for number in range(_EMAILS)]
    before = _cpu()
    for body in bodies:
        made.post("/emails", body)
    made.work("dispatch")
    middle = _cpu()
    _deliver(made)
    after = _cpu()
    made.work("record_results")
    return middle - before + _cpu() - after


def _deliver(made: Rig) -> None:
    """In place of the edge: every outbound job becomes a result."""
    queue, now = made.deps.queue, made.deps.clock.now()
    while messages := queue.receive(outbound(Lane.CRITICAL), limit=100):
        jobs = [OutboundJob.model_validate_json(message.body) for message in messages]
        queue.put_many([Job(RESULTS, _delivered(job, now).model_dump_json(exclude_defaults=True)) for job in jobs])
        queue.delete_many(messages)


def _delivered(job: OutboundJob, now: int) -> ResultJob:
    return ResultJob(
        team=job.team,
        email_id=job.email_id,
        recipient=job.recipient,
        address=job.rcpt_to,
        attempt=1,
        outcome=Outcome.DELIVERED,
        at=now,
        code=250,
        enhanced="2.0.0",
        text="2.0.0 Ok",
        stage="dot",
        host="mx.bench.test",
        ip="127.0.0.1",
    )


def _cpu() -> float:
    times = os.times()
    return times.user + times.system
