"""The promises of port `Queue`, and of `Outbox` which puts rows and jobs together."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mailit.domain.errors import ConditionFailed, Refused
from mailit.engines.embedded.engine import Engine
from mailit.ports.queue import Job, QueueStats
from mailit.ports.table import Equals, Key, Put, Update
from tests.house import Clock


def bodies(engine: Engine, queue: str = "work", limit: int = 10) -> list[str]:
    return [message.body for message in engine.queue.receive(queue, limit)]


def test_what_was_put_is_received(engine: Engine) -> None:
    engine.queue.put(Job("work", "é\U0001f600\r\n"))
    (message,) = engine.queue.receive("work")
    assert (message.body, message.queue, message.receives) == ("é\U0001f600\r\n", "work", 1)
    assert bodies(engine) == []


def test_queues_are_apart(engine: Engine) -> None:
    engine.queue.put_many([Job("work", "a"), Job("more", "b")])
    assert bodies(engine, "more") == ["b"]


def test_order_is_first_in_first_out_and_the_limit_holds(engine: Engine) -> None:
    engine.queue.put_many([Job("work", str(number)) for number in range(250)])
    assert bodies(engine, limit=3) == ["0", "1", "2"]
    assert len(bodies(engine, limit=300)) == 247


def test_a_deleted_message_is_gone_for_good(engine: Engine, clock: Clock) -> None:
    engine.queue.put(Job("work", "a"))
    engine.queue.delete_many(engine.queue.receive("work"))
    clock.forward(1000)
    assert bodies(engine) == []


def test_a_message_that_is_not_deleted_comes_again(engine: Engine, clock: Clock) -> None:
    engine.queue.put(Job("work", "a"))
    engine.queue.receive("work")
    clock.forward(29)
    assert bodies(engine) == []
    clock.forward(1)
    (again,) = engine.queue.receive("work", visibility=5)
    assert again.receives == 2
    clock.forward(5)
    assert bodies(engine) == ["a"]


def test_an_old_receipt_deletes_and_defers_nothing(engine: Engine, clock: Clock) -> None:
    engine.queue.put(Job("work", "a"))
    (old,) = engine.queue.receive("work")
    clock.forward(31)
    (new,) = engine.queue.receive("work")
    engine.queue.delete_many([old])
    engine.queue.defer(old, 500)
    clock.forward(31)
    assert bodies(engine) == ["a"]
    assert new.receipt != old.receipt


def test_a_delay_holds_back_and_no_longer(engine: Engine, clock: Clock) -> None:
    engine.queue.put(Job("work", "a", delay=900))
    clock.forward(899.9)
    assert bodies(engine) == []
    clock.forward(0.1)
    assert bodies(engine) == ["a"]


def test_a_deferred_message_comes_at_its_time(engine: Engine, clock: Clock) -> None:
    engine.queue.put(Job("work", "a"))
    engine.queue.defer(engine.queue.receive("work")[0], 7200)
    clock.forward(7199)
    assert bodies(engine) == []
    clock.forward(1)
    assert bodies(engine) == ["a"]


def test_a_message_that_fails_too_often_is_a_dead_letter(engine: Engine, clock: Clock) -> None:
    engine.queue.put(Job("work", "poison"))
    for _ in range(3):
        assert bodies(engine) == ["poison"]
        clock.forward(31)
    assert bodies(engine) == []
    assert engine.queue.stats("work") == QueueStats(waiting=0, in_flight=0, dead=1, oldest_age=0)
    (dead,) = engine.queue.receive("work-dlq")
    assert dead.body == "poison"
    clock.forward(10_000)
    assert bodies(engine, "work-dlq") == ["poison"]


def test_stats_tell_what_waits_and_since_when(engine: Engine, clock: Clock) -> None:
    engine.queue.put(Job("work", "a"))
    clock.forward(10)
    engine.queue.put(Job("work", "b"))
    engine.queue.put(Job("work", "later", delay=100))
    clock.forward(5)
    assert engine.queue.stats("work") == QueueStats(waiting=3, in_flight=0, dead=0, oldest_age=15)
    engine.queue.receive("work", 1)
    assert engine.queue.stats("work") == QueueStats(waiting=2, in_flight=1, dead=0, oldest_age=5)


def test_each_message_goes_to_one_receiver(engine: Engine) -> None:
    engine.queue.put_many([Job("work", str(number)) for number in range(200)])
    with ThreadPoolExecutor(8) as pool:
        taken = [body for found in pool.map(lambda _: bodies(engine), range(40)) for body in found]
    assert sorted(taken, key=int) == [str(number) for number in range(200)]


def test_waiting_ends_when_a_message_comes(engine: Engine) -> None:
    timer = threading.Timer(0.05, lambda: engine.queue.put(Job("work", "a")))
    timer.start()
    started = time.monotonic()
    assert [message.body for message in engine.queue.receive("work", wait=10)] == ["a"]
    assert time.monotonic() - started < 5
    timer.join()


def test_waiting_ends_when_the_time_is_over(engine: Engine) -> None:
    assert engine.queue.receive("work", wait=0.02) == []
    assert not engine.queue.wait_any(["work", "more"], 0.02)


def test_waiting_for_any_of_several_queues(engine: Engine) -> None:
    engine.queue.put(Job("more", "a"))
    assert engine.queue.wait_any(["work", "more"], 10)


def test_200_kb_are_fine_and_more_than_256_are_refused(engine: Engine) -> None:
    engine.queue.put(Job("work", "x" * 200_000))
    assert len(bodies(engine)[0]) == 200_000
    with pytest.raises(Refused):
        engine.queue.put(Job("work", "x" * 262_145))


@pytest.mark.parametrize("job", [Job("nowhere", "a"), Job("work", "a", delay=901), Job("work", "a", delay=-1)])
def test_what_makes_no_sense_is_refused(engine: Engine, job: Job) -> None:
    with pytest.raises(Refused):
        engine.queue.put(job)


def test_rows_jobs_and_finished_messages_go_together(engine: Engine, clock: Clock) -> None:
    engine.queue.put(Job("work", "a"))
    done = engine.queue.receive("work")
    engine.outbox.commit([Put(Key("things", "p", "s"), {"n": 1})], [Job("more", "b")], done)
    assert engine.table.get(Key("things", "p", "s")) is not None
    assert bodies(engine, "more") == ["b"]
    clock.forward(100)
    assert bodies(engine) == []


def test_a_condition_that_fails_leaves_no_job_and_no_message_deleted(engine: Engine, clock: Clock) -> None:
    engine.queue.put(Job("work", "a"))
    done = engine.queue.receive("work")
    writes = [
        Put(Key("things", "p", "first"), {}),
        Update(Key("things", "p", "s"), set={"n": 1}, when=[Equals("n", 0)]),
        Put(Key("things", "p", "last"), {}),
    ]
    with pytest.raises(ConditionFailed):
        engine.outbox.commit(writes, [Job("more", "b")], done)
    assert engine.table.get(Key("things", "p", "last")) is None
    assert bodies(engine, "more") == []
    clock.forward(100)
    assert bodies(engine) == ["a"]


def test_an_old_receipt_does_not_stop_a_commit(engine: Engine, clock: Clock) -> None:
    engine.queue.put(Job("work", "a"))
    done = engine.queue.receive("work")
    clock.forward(31)
    engine.queue.receive("work")
    engine.outbox.commit([Put(Key("things", "p", "s"), {})], [], done)
    assert engine.table.get(Key("things", "p", "s")) is not None
    clock.forward(31)
    assert bodies(engine) == ["a"]
