"""Outcomes of many attempts that end at the same time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from edge.outbound.ledger import Ledger, Turn
from mailit.contracts.jobs import Outcome, ResultJob
from mailit.domain.emails import State
from mailit.domain.times import SECOND
from mailit.stores.deliveries import Deliveries
from mailit.stores.queues import RESULTS
from tests.house import House

LEASE = 60 * SECOND


def turns(house: House, count: int) -> list[Turn]:
    for _ in range(count):
        house.send()
    house.work_on_dispatch()
    return [Turn(message, job) for message, job in house.outbox()]


def delivered(turn: Turn) -> ResultJob:
    job = turn.job
    return ResultJob(
        team=job.team,
        email_id=job.email_id,
        recipient=job.recipient,
        address=job.rcpt_to,
        attempt=1,
        outcome=Outcome.DELIVERED,
        at=1,
    )


async def claim_all(ledger: Ledger, found: list[Turn]) -> None:
    for turn, claim in zip(found, await asyncio.gather(*map(ledger.claim, found)), strict=True):
        turn.claim = claim


async def settle_all(ledger: Ledger, found: list[Turn]) -> None:
    await asyncio.gather(*(ledger.settle(turn, State.DELIVERED, [delivered(turn)]) for turn in found))


def test_recipients_claimed_together_are_claimed_once_each(acme: House) -> None:
    found = turns(acme, 10)

    async def twice() -> list[object]:
        with ThreadPoolExecutor(2) as threads:
            ledger = Ledger(acme.deps, LEASE, threads)
            return list(await asyncio.gather(*map(ledger.claim, found + found)))

    claims = asyncio.run(twice())
    assert len([claim for claim in claims if claim is not None]) == 10


def test_one_lost_claim_does_not_hold_up_the_outcomes_stored_with_it(acme: House) -> None:
    found = turns(acme, 5)
    others = Deliveries(acme.deps.table)

    async def run() -> None:
        with ThreadPoolExecutor(2) as threads:
            ledger = Ledger(acme.deps, LEASE, threads)
            await claim_all(ledger, found)
            acme.clock.forward(61)
            assert others.claim(*found[2].recipient, "another edge", acme.clock.time, LEASE)
            await settle_all(ledger, found)

    asyncio.run(run())
    recipients = [others.get(*turn.recipient) for turn in found]
    assert [(one.state, one.open) for one in recipients if one] == [(State.DELIVERED, False)] * 5
    assert acme.deps.queue.stats(RESULTS).waiting == 5
    acme.clock.forward(1000)
    assert acme.outbox() == []


def test_an_outcome_stored_twice_changes_nothing(acme: House) -> None:
    found = turns(acme, 3)

    async def run() -> None:
        with ThreadPoolExecutor(2) as threads:
            ledger = Ledger(acme.deps, LEASE, threads)
            await claim_all(ledger, found)
            await settle_all(ledger, found)
            # As after an answer that was lost: the same outcomes once more.
            await settle_all(ledger, found)

    asyncio.run(run())
    states = [one.state for turn in found if (one := Deliveries(acme.deps.table).get(*turn.recipient))]
    assert states == [State.DELIVERED] * 3
