"""An edge that died within the commit of an outcome, which is several calls on engine `aws`."""

from __future__ import annotations

from mailit.contracts.jobs import Outcome, ResultJob
from mailit.domain.emails import State
from mailit.domain.times import SECOND
from mailit.ports.queue import Message
from mailit.stores.deliveries import Deliveries, Settled
from mailit.stores.queues import RESULTS
from tests.house import House
from tests.parts.edge_run import put_back, results, run_edge


def settled_untold(house: House) -> tuple[str, Message]:
    """An email whose recipient's row is written, and neither the result put nor the job deleted."""
    email_id = house.send()
    house.work_on_dispatch()
    ((message, job),) = house.outbox()
    store, now = Deliveries(house.deps.table), house.clock.time
    claim = store.claim(job.team, email_id, 0, "dead edge", now, SECOND)
    assert claim is not None
    told = ResultJob(
        team=job.team,
        email_id=email_id,
        recipient=0,
        address=job.rcpt_to,
        attempt=1,
        outcome=Outcome.DELIVERED,
        at=now + 1000,
        code=250,
        text="queued as 1",
    )
    write = store.settle(
        job.team, email_id, 0, claim, Settled(State.DELIVERED, told.at, told.model_dump_json(exclude_defaults=True))
    )
    house.deps.outbox.commit([write])
    house.clock.forward(1000)  # the job comes again
    return email_id, message


def test_the_next_edge_tells_the_outcome_and_sends_nothing(acme: House) -> None:
    email_id, _ = settled_untold(acme)
    run_edge(acme, {}, lambda: acme.deps.queue.stats(RESULTS).waiting == 1)
    (result,) = found = results(acme)
    assert (result.outcome, result.code, result.text) == (Outcome.DELIVERED, 250, "queued as 1")
    put_back(acme, found)
    acme.work()
    assert acme.last_event(email_id) == "delivered"
    acme.clock.forward(1000)
    assert acme.outbox() == []
