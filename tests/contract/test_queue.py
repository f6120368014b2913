"""Port `Queue`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from mailit.domain.errors import Refused
from mailit.ports.queue import Job, Message, QueueStats
from tests.contract.engines import Clock, Engine, Kind
from tests.contract.programs import running

PORTS = {"queue"}

Later = Callable[[float], None]


def put(engine: Engine, *bodies: str, delay: int = 0) -> None:
    engine.queue.put_many([Job("work", body, delay) for body in bodies])


def bodies(messages: list[Message]) -> list[str]:
    return [message.body for message in messages]


def stats(engine: Engine, queue: str = "work", *, age: int | None = None) -> QueueStats:
    """The queue's state; where the engine tells no age, as if it were `age`."""
    found = engine.queue.stats(queue)
    return replace(found, oldest_age=age) if found.oldest_age is None and age is not None else found


def only(engine: Engine, queue: str = "work") -> Message:
    """The one message that can be received."""
    (message,) = engine.queue.receive(queue)
    return message


def test_a_message_is_received_with_its_body_and_then_hidden(engine: Engine) -> None:
    engine.queue.put(Job("work", "héllo \x00 😀"))
    message = only(engine)
    assert (message.queue, message.body, message.receives) == ("work", "héllo \x00 😀", 1)
    assert engine.queue.receive("work") == []


def test_an_empty_queue_gives_nothing_at_once(engine: Engine) -> None:
    assert engine.queue.receive("work") == []


def test_an_empty_body_is_a_message(engine: Engine) -> None:
    put(engine, "")
    assert only(engine).body == ""


def test_messages_come_in_the_order_in_which_they_were_put(engine: Engine) -> None:
    put(engine, *"abcdef")
    assert bodies(engine.queue.receive("work", limit=4)) == list("abcd")
    assert bodies(engine.queue.receive("work", limit=4)) == list("ef")


def test_queues_are_apart(engine: Engine) -> None:
    engine.queue.put_many([Job("work", "w"), Job("other", "o")])
    assert only(engine, "other").body == "o"
    assert only(engine, "work").body == "w"


@pytest.mark.parametrize("number", [11, 26, 101, 230])
def test_any_number_of_messages_is_put_in_one_call_and_each_is_received_once(engine: Engine, number: int) -> None:
    put(engine, *(str(n) for n in range(number)))
    found: list[str] = []
    while messages := engine.queue.receive("work"):
        assert len(messages) <= 10
        found += bodies(messages)
        engine.queue.delete_many(messages)
    assert sorted(found, key=int) == [str(n) for n in range(number)]


def test_a_deleted_message_never_comes_again(engine: Engine, later: Later) -> None:
    put(engine, "a", "b")
    engine.queue.delete_many(engine.queue.receive("work"))
    engine.queue.delete_many([])
    later(3600)
    assert engine.queue.receive("work") == []


def test_a_message_that_was_not_deleted_comes_again_after_its_visibility(engine: Engine, later: Later) -> None:
    put(engine, "a")
    first = only(engine)
    later(29)
    assert engine.queue.receive("work") == []
    later(2)
    second = only(engine)
    assert (second.id, second.body, second.receives) == (first.id, "a", 2)
    assert second.receipt != first.receipt


def test_a_receive_may_ask_for_another_visibility(engine: Engine, later: Later) -> None:
    put(engine, "a")
    engine.queue.receive("work", visibility=100)
    later(99)
    assert engine.queue.receive("work") == []
    later(2)
    assert only(engine).receives == 2


def test_an_old_receipt_neither_deletes_nor_defers(engine: Engine, later: Later) -> None:
    put(engine, "a")
    old = only(engine)
    later(31)
    new = only(engine)
    engine.queue.delete_many([old])
    engine.queue.defer(old, 10_000)
    later(31)
    assert only(engine).receives == new.receives + 1


def test_a_receipt_is_good_until_the_message_is_received_again(engine: Engine, later: Later) -> None:
    put(engine, "a")
    late = only(engine)
    later(300)
    engine.queue.delete_many([late])
    assert engine.queue.receive("work") == []


def test_what_was_made_up_deletes_nothing(engine: Engine, later: Later) -> None:
    put(engine, "a")
    message = only(engine)
    engine.queue.delete_many(
        [
            Message("work", message.id, "made-up", "a", 1),
            Message("other", message.id, message.receipt, "a", 1),
        ]
    )
    later(31)
    assert only(engine).id == message.id


def test_a_deferred_message_comes_again_when_its_time_has_come(engine: Engine, later: Later) -> None:
    put(engine, "a")
    engine.queue.defer(only(engine), 600)
    later(599)
    assert engine.queue.receive("work") == []
    later(2)
    assert only(engine).receives == 2


def test_a_message_can_be_given_back_at_once(engine: Engine) -> None:
    put(engine, "a")
    engine.queue.defer(only(engine), 0)
    assert only(engine).body == "a"


@pytest.mark.parametrize("seconds", [-1, 43_201])
def test_a_deferral_out_of_range_is_refused(engine: Engine, seconds: float) -> None:
    put(engine, "a")
    message = only(engine)
    with pytest.raises(Refused):
        engine.queue.defer(message, seconds)


def test_a_delayed_message_is_hidden_at_first(engine: Engine, later: Later) -> None:
    put(engine, "late", delay=900)
    put(engine, "now")
    assert bodies(engine.queue.receive("work")) == ["now"]
    later(901)
    assert "late" in bodies(engine.queue.receive("work"))


@pytest.mark.parametrize(
    "job",
    [
        Job("work", "a", -1),
        Job("work", "a", 901),
        Job("work", "é" * (128 * 1024 + 1)),
        Job("work", "\ud800"),
        Job("no", "a"),
    ],
    ids=["delay below 0", "delay above 900", "large", "surrogate", "queue"],
)
def test_a_job_that_is_none_is_refused_and_so_is_its_batch(engine: Engine, job: Job) -> None:
    with pytest.raises(Refused):
        engine.queue.put(job)
    with pytest.raises(Refused):
        engine.queue.put_many([Job("work", "good"), job])
    assert engine.queue.receive("work") == []


def test_a_body_of_256_kb_is_delivered_whole(engine: Engine) -> None:
    put(engine, "x" * 256 * 1024)
    assert only(engine).body == "x" * 256 * 1024


def test_a_message_that_keeps_failing_becomes_a_dead_letter(engine: Engine, later: Later) -> None:
    put(engine, "poison")
    for receives in (1, 2, 3):
        assert only(engine).receives == receives
        later(31)
    put(engine, "good")
    assert bodies(engine.queue.receive("work")) == ["good"]
    assert engine.queue.stats("work").dead == 1
    later(31)
    dead = only(engine, "work-dlq")
    assert (dead.queue, dead.body) == ("work-dlq", "poison")
    engine.queue.delete_many([dead])
    assert engine.queue.stats("work").dead == 0


def test_dead_letters_do_not_hide_the_messages_behind_them(engine: Engine, later: Later) -> None:
    put(engine, *(f"poison{n}" for n in range(12)))
    for _ in range(3):
        engine.queue.receive("work", limit=12)
        later(31)
    put(engine, "good")
    assert bodies(engine.queue.receive("work")) == ["good"]


def test_a_dead_letter_stays_one(engine: Engine, later: Later) -> None:
    put(engine, "poison")
    for _ in range(4):
        engine.queue.receive("work")
        later(31)
    for _ in range(20):
        assert only(engine, "work-dlq").body == "poison"
        later(31)


def test_stats_tell_waiting_in_flight_dead_and_the_age_of_the_oldest(engine: Engine, later: Later) -> None:
    assert stats(engine, age=0) == QueueStats(0, 0, 0, 0)
    put(engine, "a", "b", "c")
    later(10)
    put(engine, "d")
    assert stats(engine, age=10) == QueueStats(4, 0, 0, 10)
    taken = engine.queue.receive("work", limit=3)
    later(10)
    assert stats(engine, age=10) == QueueStats(1, 3, 0, 10)
    later(25)
    # Their visibility is over: they wait again, and for as long as they have been there.
    assert stats(engine, age=45) == QueueStats(4, 0, 0, 45)
    engine.queue.delete_many(taken)
    assert stats(engine, age=35) == QueueStats(1, 0, 0, 35)


def test_a_queue_that_does_not_exist_is_refused(engine: Engine) -> None:
    for use in (
        lambda: engine.queue.receive("nowhere"),
        lambda: engine.queue.stats("nowhere"),
        lambda: engine.queue.wait_any(["work", "nowhere"], 0),
        lambda: engine.queue.delete_many([Message("nowhere", "1", "r", "", 1)]),
    ):
        with pytest.raises(Refused, match="nowhere"):
            use()


def test_a_receive_of_less_than_one_message_is_refused(engine: Engine) -> None:
    put(engine, "a")
    with pytest.raises(Refused):
        engine.queue.receive("work", limit=0)


def test_each_message_goes_to_one_of_several_threads(engine: Engine) -> None:
    put(engine, *(str(n) for n in range(100)))

    def take(_: int) -> list[str]:
        found = []
        while messages := engine.queue.receive("work", limit=3):
            found += bodies(messages)
            engine.queue.delete_many(messages)
        return found

    with ThreadPoolExecutor(4) as threads:
        found = [body for part in threads.map(take, range(4)) for body in part]
    assert sorted(found, key=int) == [str(n) for n in range(100)]


def test_each_message_goes_to_one_of_several_processes(engine: Engine, kind: Kind, place: str) -> None:
    put(engine, *(str(n) for n in range(150)))
    with running(*[("take", kind.name, place)] * 3) as processes:
        for process in processes:
            process.go()
        found = [body for process in processes for body in process.result()]
    assert sorted(found, key=int) == [str(n) for n in range(150)]


def test_a_wait_that_finds_nothing_ends_when_its_time_is_over(engine: Engine) -> None:
    began = time.monotonic()
    assert engine.queue.receive("work", wait=0.1) == []
    assert not engine.queue.wait_any(["work", "other"], 0.1)
    assert time.monotonic() - began >= 0.2


def test_a_wait_ends_as_soon_as_a_message_is_put(engine: Engine) -> None:
    with ThreadPoolExecutor(2) as threads:
        received = threads.submit(engine.queue.receive, "work", 10, 30.0)
        woken = threads.submit(engine.queue.wait_any, ["work", "other"], 30.0)
        engine.queue.put_many([Job("work", "a"), Job("other", "b")])
        assert bodies(received.result(timeout=5)) == ["a"]
        assert woken.result(timeout=5)


def test_a_wait_ends_when_a_delay_is_over(engine: Engine, later: Later) -> None:
    put(engine, "a", delay=60)
    with ThreadPoolExecutor(1) as threads:
        received = threads.submit(engine.queue.receive, "work", 10, 30.0)
        later(61)
        assert bodies(received.result(timeout=5)) == ["a"]


def test_a_wait_ends_at_once_when_something_is_there(engine: Engine) -> None:
    put(engine, "a")
    assert engine.queue.wait_any(["other", "work"], 30)


def test_a_waiting_process_receives_what_another_puts(engine: Engine, kind: Kind, place: str) -> None:
    with running(("listen", kind.name, place)) as (process,):
        process.go()
        put(engine, "wake-up")
        assert process.line() == "wake-up"


def test_many_waiting_threads_lose_no_message_and_leave_none(engine: Engine, clock: Clock) -> None:
    found: list[str] = []
    enough = threading.Event()

    def take() -> None:
        while not enough.is_set():
            messages = engine.queue.receive("work", limit=1, wait=0.05)
            found.extend(bodies(messages))
            engine.queue.delete_many(messages)

    with ThreadPoolExecutor(4) as threads:
        for _ in range(4):
            threads.submit(take)
        for number in range(40):
            put(engine, str(number))
        deadline = time.monotonic() + 20
        while stats(engine, age=0) != QueueStats(0, 0, 0, 0) and time.monotonic() < deadline:
            engine.queue.wait_any(["other"], 0.01)
        enough.set()
    assert sorted(found, key=int) == [str(n) for n in range(40)]
