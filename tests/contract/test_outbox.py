"""Port `Outbox`: rows, jobs and finished messages in one call."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mailit.domain.errors import ConditionFailed, Refused
from mailit.ports.queue import Job, Message
from mailit.ports.table import Absent, Delete, Equals, Key, Put, Update
from tests.contract.engines import Engine

PORTS = {"table", "queue"}

A, B, C = (Key("rows", "p", name) for name in "abc")


def received(engine: Engine) -> Message:
    engine.queue.put(Job("work", "step"))
    (message,) = engine.queue.receive("work")
    return message


def test_a_commit_writes_the_rows_puts_the_jobs_and_deletes_what_is_done(
    engine: Engine, later: Callable[[float], None]
) -> None:
    done = received(engine)
    engine.table.put(Put(C, {}))
    engine.outbox.commit(
        [Put(A, {"n": 1}), Update(B, add={"n": 2}), Delete(C)],
        [Job("other", "next"), Job("other", "late", delay=60)],
        [done],
    )
    assert engine.table.get_many([A, B, C]) == {A: {"pk": "p", "sk": "a", "n": 1}, B: {"pk": "p", "sk": "b", "n": 2}}
    assert [message.body for message in engine.queue.receive("other")] == ["next"]
    later(3600)
    assert engine.queue.receive("work") == []
    assert "late" in [message.body for message in engine.queue.receive("other")]


def test_writes_are_applied_in_their_order(engine: Engine) -> None:
    engine.outbox.commit([Put(A, {"n": 1}), Update(A, add={"n": 1}, when=(Equals("n", 1),)), Update(A, set={"b": 0})])
    assert engine.table.get(A) == {"pk": "p", "sk": "a", "n": 2, "b": 0}


def test_a_commit_of_any_size_is_carried_out(engine: Engine) -> None:
    keys = [Key("rows", "many", f"{n:03d}") for n in range(130)]
    engine.outbox.commit([Put(key, {}) for key in keys], [Job("work", str(n)) for n in range(130)])
    assert len(engine.table.get_many(keys)) == 130
    assert engine.queue.stats("work").waiting == 130


def test_a_commit_of_nothing_is_fine(engine: Engine) -> None:
    engine.outbox.commit()


@pytest.mark.parametrize(
    "failing",
    [
        Put(A, {"n": 9}, only_if_absent=True),
        Update(A, set={"n": 9}, when=(Absent("n"),)),
        Update(C, set={"n": 9}, when=(Equals("n", 9),)),
        Delete(A, when=(Equals("n", 9),)),
    ],
    ids=["put", "update", "update of an absent row", "delete"],
)
def test_a_condition_that_fails_puts_no_job_and_deletes_no_message(
    engine: Engine, later: Callable[[float], None], failing: Put | Update | Delete
) -> None:
    done = received(engine)
    engine.table.put(Put(A, {"n": 1}))
    with pytest.raises(ConditionFailed):
        engine.outbox.commit([failing, Put(B, {})], [Job("other", "next")], [done])
    assert engine.table.get_many([A, B, C]) == {A: {"pk": "p", "sk": "a", "n": 1}}
    assert engine.queue.receive("other") == []
    later(31)
    assert [message.id for message in engine.queue.receive("work")] == [done.id]


def test_a_job_that_is_refused_leaves_no_row(engine: Engine) -> None:
    with pytest.raises(Refused):
        engine.outbox.commit([Put(A, {})], [Job("nowhere", "x")])
    with pytest.raises(Refused):
        engine.outbox.commit([Put(A, {})], [Job("work", "x" * 300_000)])
    assert engine.table.get(A) is None


def test_a_receipt_that_is_no_longer_good_is_no_error(engine: Engine, later: Callable[[float], None]) -> None:
    old = received(engine)
    later(31)
    (new,) = engine.queue.receive("work")
    engine.outbox.commit([Put(A, {})], [Job("other", "next")], [old])
    assert engine.table.get(A) is not None
    assert len(engine.queue.receive("other")) == 1
    later(31)
    assert [message.id for message in engine.queue.receive("work")] == [new.id]
