"""The triggers outside AWS: queues in their turns, failures left to come again, timers in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from pydantic import BaseModel

from gateway.triggers import Poller, duties, prompt_sources, slow_sources
from mailit.domain.errors import Unavailable
from mailit.domain.lanes import Lane
from mailit.ports.queue import Job
from mailit.stores.queues import DISPATCH_REMOTE, DOMAIN_CHECKS, RESULTS, dispatch
from mailit.usecases.deps import Deps
from mailit.work import QueueWorker, Timer, queue_worker, timer
from tests.house import House


class Note(BaseModel):
    """A job."""

    text: str


Handler = Callable[[Sequence[Note], Deps], None]


def worker(house: House, handler: Handler, *queues: str, slow: tuple[str, ...] = ()) -> QueueWorker:
    return queue_worker("notes", queues=queues, model=Note, batch=1, slow=slow)(handler).on(house.deps)


def put(house: House, queue: str, *texts: str) -> None:
    house.deps.queue.put_many([Job(queue, Note(text=text).model_dump_json()) for text in texts])


def every_minute(house: House, handler: Callable[[Deps], object]) -> Timer:
    return timer("tick", every=60)(handler).on(house.deps)


def test_lanes_are_served_6_to_3_to_1_and_other_queues_in_between(house: House) -> None:
    served: list[str] = []
    lanes = [dispatch(lane) for lane in Lane]
    workers = [
        worker(house, lambda jobs, _: served.extend(job.text for job in jobs), *lanes, RESULTS),
    ]
    for queue in (*lanes, RESULTS):
        put(house, queue, *[queue] * 20)
    poller = Poller(house.deps.queue, prompt_sources(workers), ())
    for _ in range(20):
        assert poller.sweep()
    assert Counter(served) == {lanes[0]: 6, lanes[1]: 3, lanes[2]: 1, RESULTS: 10}


def test_an_empty_queue_gives_its_turn_away(house: House) -> None:
    served: list[str] = []
    workers = [worker(house, lambda jobs, _: served.extend(job.text for job in jobs), *map(dispatch, Lane))]
    put(house, dispatch(Lane.LOW), "a", "b", "c")
    poller = Poller(house.deps.queue, prompt_sources(workers), ())
    assert [poller.sweep() for _ in range(4)] == [True, True, True, False]
    assert sorted(served) == ["a", "b", "c"]


def test_what_failed_comes_again_after_its_visibility_and_what_is_done_does_not(house: House) -> None:
    tries: list[str] = []

    def handle(jobs: Sequence[Note], _deps: Deps) -> None:
        tries.extend(job.text for job in jobs)
        if tries == ["bad"] or tries == ["good", "bad"]:
            raise ValueError

    put(house, RESULTS, "bad")
    put(house, RESULTS, "good")
    poller = Poller(house.deps.queue, prompt_sources([worker(house, handle, RESULTS)]), ())
    while poller.sweep():
        pass
    assert sorted(tries) == ["bad", "good"]
    house.clock.forward(3600)
    assert poller.sweep()
    assert tries[2:] == ["bad"]
    house.clock.forward(3600)
    assert not poller.sweep()


def test_jobs_that_wait_for_somebody_outside_have_sources_of_their_own(house: House) -> None:
    workers = [
        worker(house, lambda _jobs, _deps: None, RESULTS, DISPATCH_REMOTE, slow=(DISPATCH_REMOTE,)),
        worker(house, lambda _jobs, _deps: None, DOMAIN_CHECKS, slow=(DOMAIN_CHECKS,)),
    ]
    assert [name for name, _ in prompt_sources(workers)] == [RESULTS]
    assert [name for name, _ in slow_sources(workers)] == [DISPATCH_REMOTE, DOMAIN_CHECKS]


def test_timers_run_at_the_start_and_a_failing_one_holds_up_nobody(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    def fail(_deps: Deps) -> None:
        seen.append("timer")
        raise Unavailable("the disk is full")

    def handle(jobs: Sequence[Note], _deps: Deps) -> None:
        seen.extend(job.text for job in jobs)
        poller.stop()

    put(house, RESULTS, "job")
    poller = Poller(house.deps.queue, prompt_sources([worker(house, handle, RESULTS)]), [every_minute(house, fail)])
    poller.run()
    assert seen == ["timer", "job"]
    assert "timer=tick failed" in caplog.text


def test_no_job_of_a_queue_holds_up_a_timer(house: House) -> None:
    shares = [duties(house.catalogue, number) for number in range(4)]
    assert all(not (sources and timers) for sources, timers in shares)
    assert [timer for _, timers in shares for timer in timers] == list(house.catalogue.timers)
    served = {name for sources, _ in shares for name, _ in sources}
    assert served == {name for worker in house.catalogue.workers for name in worker.spec.queues}


def test_timers_run_without_any_queue(house: House) -> None:
    seen: list[str] = []

    def tick(_deps: Deps) -> None:
        seen.append("tick")
        poller.stop()

    poller = Poller(house.deps.queue, (), [every_minute(house, tick)])
    poller.run()
    assert seen == ["tick"]


def test_a_stopped_poller_finishes_its_batch_and_takes_no_other(house: House) -> None:
    seen: list[str] = []

    def handle(jobs: Sequence[Note], _deps: Deps) -> None:
        poller.stop()
        seen.extend(job.text for job in jobs)

    put(house, RESULTS, "a", "b")
    poller = Poller(house.deps.queue, prompt_sources([worker(house, handle, RESULTS)]), ())
    poller.run()
    assert len(seen) == 1
    assert house.deps.queue.stats(RESULTS).waiting == 1
