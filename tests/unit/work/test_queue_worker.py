"""A batch of messages: what is done is done, and a bad message takes nobody along."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import pytest
from pydantic import BaseModel

from mailit.domain.errors import Unavailable
from mailit.usecases.deps import Deps
from mailit.work import QueueWorker, queue_worker
from tests.house import House


class Parcel(BaseModel):
    """A job."""

    address: str


def event(*bodies: str) -> dict[str, object]:
    """An SQS event; messages are numbered from 0."""
    shared = {"receiptHandle": "r", "attributes": {}, "messageAttributes": {}, "eventSource": "aws:sqs"}
    return {"Records": [{"messageId": str(number), "body": body, **shared} for number, body in enumerate(bodies)]}


def parcels(*addresses: str) -> dict[str, object]:
    return event(*(Parcel(address=address).model_dump_json() for address in addresses))


class Post:
    """A handler that notes what it is given, and cannot deliver to some addresses."""

    def __init__(self, error: Callable[[str], Exception] = ValueError) -> None:
        self.batches: list[list[str]] = []
        self.delivered: list[str] = []
        self._error = error

    def __call__(self, jobs: Sequence[Parcel], _deps: Deps) -> None:
        self.batches.append([job.address for job in jobs])
        for job in jobs:
            if job.address.startswith("bad"):
                raise self._error(job.address)
        self.delivered += self.batches[-1]


def worker(house: House, handler: Callable[[Sequence[Parcel], Deps], None]) -> QueueWorker:
    return queue_worker("post", queues=("parcels",), model=Parcel, batch=10)(handler).on(house.deps)


def failures(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    assert set(answer) == {"batchItemFailures"}
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_good_batch_is_handed_over_at_once(house: House) -> None:
    post = Post()
    assert failures(worker(house, post)(parcels("a", "b", "c"))) == []
    assert post.batches == [["a", "b", "c"]]


def test_a_job_that_fails_takes_nobody_along(house: House) -> None:
    post = Post()
    assert failures(worker(house, post)(parcels("a", "bad", "c"))) == ["1"]
    assert post.delivered == ["a", "c"]


def test_a_single_job_that_fails_is_not_tried_again_at_once(house: House) -> None:
    post = Post()
    assert failures(worker(house, post)(parcels("bad"))) == ["0"]
    assert post.batches == [["bad"]]


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"address": 5}', "{}", "[" * 100_000, "\ud800"])
def test_a_message_that_is_no_job_fails_alone(house: House, body: str) -> None:
    post = Post()
    assert failures(worker(house, post)(event('{"address": "a"}', body, '{"address": "c"}'))) == ["1"]
    assert post.delivered == ["a", "c"]


def test_a_batch_of_nonsense_does_not_reach_the_handler(house: House) -> None:
    post = Post()
    assert failures(worker(house, post)(event("x", "y"))) == ["0", "1"]
    assert post.batches == []


def test_an_engine_that_is_away_fails_all_without_a_traceback(house: House, caplog: pytest.LogCaptureFixture) -> None:
    post = Post(lambda _: Unavailable("the disk is full"))
    assert failures(worker(house, post)(parcels("bad 1", "bad 2"))) == ["0", "1"]
    assert "the disk is full" in caplog.text
    assert "File " not in caplog.text


def test_a_fault_of_ours_is_logged_with_its_place_and_without_the_job(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        worker(house, Post())(event('{"address": "bad@example.net"}', '{"address": ["ann@example.net"]}'))
    assert "in __call__" in caplog.text
    assert "ValueError" in caplog.text
    assert "example.net" not in caplog.text
