"""The proxy in front of AWS does what it is asked, for all that is disturbed: half a batch is half a batch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailit.domain.errors import Unavailable
from mailit.engines.aws.engine import Engine
from mailit.engines.aws.patience import Patience
from mailit.ports.queue import Job
from mailit.ports.table import Key, Put
from mailit.stores.queues import RESULTS
from mailit.stores.tables import LIMITS
from tests.parts.aws_proxy import AwsProxy
from tests.parts.aws_running import Place
from tests.parts.ministack import MiniStack


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    with MiniStack(tmp_path_factory.mktemp("emulator")) as made:
        yield made


@pytest.fixture(scope="module")
def place(emulator: MiniStack) -> Place:
    return Place(emulator, visibility=30)


def engine_at(place: Place, proxy: AwsProxy, tries: int) -> Engine:
    return place.opened(proxy.endpoint, Patience(tries=tries, first=0.001, longest=0.001))


def test_undisturbed_it_is_not_noticed(emulator: MiniStack, place: Place) -> None:
    with AwsProxy(emulator.port, 1, {}) as proxy:
        engine = engine_at(place, proxy, 1)
        engine.blobs.put("a/b", b"\r\n\r\n" * 1000)
        assert engine.blobs.get("a/b") == b"\r\n\r\n" * 1000
        engine.table.put(Put(Key(LIMITS, "p", "undisturbed"), {"n": 1}))
        assert engine.table.get(Key(LIMITS, "p", "undisturbed")) is not None
        engine.close()
        assert set(proxy.counts()) == {"calls"}


@pytest.mark.parametrize("kind", ["before", "after", "error", "throttle"])
def test_a_call_that_is_always_disturbed_never_succeeds(emulator: MiniStack, place: Place, kind: str) -> None:
    key = Key(LIMITS, "p", kind)
    with AwsProxy(emulator.port, 2, {kind: 1000}) as proxy:
        engine = engine_at(place, proxy, 3)
        with pytest.raises(Unavailable):
            engine.table.put(Put(key, {"n": 1}))
        with pytest.raises(Unavailable):
            engine.queue.put(Job(RESULTS, "x"))
        with pytest.raises(Unavailable):
            engine.blobs.put(f"always/{kind}", b"x")
        engine.close()
        assert proxy.counts()[kind] == proxy.counts()["calls"]
    past = place.opened()
    if kind != "error":  # half of these are carried out
        assert (past.table.get(key) is not None) is (kind == "after")
    past.close()


def test_halves_of_batches_come_to_the_whole(emulator: MiniStack, place: Place) -> None:
    puts = [Put(Key(LIMITS, "halves", f"{number:03d}"), {"n": number}) for number in range(100)]
    with AwsProxy(emulator.port, 3, {"half": 1000}) as proxy:
        engine = engine_at(place, proxy, 30)
        before = engine.queue.stats(RESULTS).waiting
        engine.table.put_many(puts)
        assert len(engine.table.get_many([put.key for put in puts])) == 100
        engine.queue.put_many([Job(RESULTS, str(number)) for number in range(35)])
        assert engine.queue.stats(RESULTS).waiting - before == 35
        engine.queue.delete_many(engine.queue.receive(RESULTS, limit=100))
        engine.close()
        assert proxy.counts()["half"] > 20
    past = place.opened()
    assert past.queue.stats(RESULTS).waiting == past.queue.stats(RESULTS).in_flight == 0
    past.close()
