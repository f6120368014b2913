"""What the embedded engine promises beyond the ports: processes may be killed at any time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from mailit.domain.errors import ConditionFailed
from mailit.engines.embedded.engine import Engine, open_engine
from mailit.ports.queue import Job
from mailit.ports.table import Absent, Key, Put, Query, Update
from tests.contract.engines import QUEUES, TABLES, Clock
from tests.contract.programs import running

ROWS = Query("rows", "p", limit=100_000)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(tmp_path, TABLES, QUEUES, Clock())
    yield opened
    opened.close()


def names(engine: Engine, query: Query = ROWS) -> set[str]:
    return {str(row["sk"]) for row in engine.table.query(query).rows}


def test_kill_9_loses_nothing_acknowledged_and_leaves_nothing_half(engine: Engine, tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for turn in range(3):
        with running(*(("commit", "embedded", str(tmp_path), f"{turn}{which}") for which in "xy")) as processes:
            for process in processes:
                process.go()
            for process in processes:
                acknowledged |= {process.line() for _ in range(20)}
            for process in processes:
                acknowledged |= set(process.kill())
    jobs = {message.body for message in engine.queue.receive("work", limit=100_000)}
    assert len(acknowledged) >= 120
    assert acknowledged <= jobs
    assert names(engine) == names(engine, replace(ROWS, table="others")) == jobs
    for name in acknowledged:
        assert engine.blobs.get(f"team/{name}") == name.encode() * 100


def test_several_processes_may_open_an_empty_folder_at_once(tmp_path: Path) -> None:
    with running(*[("nothing", "embedded", str(tmp_path / "new"))] * 4) as processes:
        for process in processes:
            process.go()
        for process in processes:
            assert process.result() == []


def test_a_full_disk_loses_nothing_acknowledged_and_ends_when_there_is_room(engine: Engine, tmp_path: Path) -> None:
    with running(("cramped", "embedded", str(tmp_path))) as (process,):
        process.go()
        stored = set(process.result())
    assert len(stored) > 10
    assert "room-again" in stored
    assert names(engine) == stored
    assert {message.body for message in engine.queue.receive("work", limit=1000)} == stored


def wake_up_time(engine: Engine, folder: Path) -> float:
    """Seconds from a put to its receipt by another process that has been waiting for a while."""
    with running(("listen", "embedded", str(folder))) as (process,):
        process.go()
        # Past the short pauses that a wait begins with.
        assert not engine.queue.wait_any(["work"], 0.6)
        engine.queue.put(Job("work", "wake-up"))
        began = time.monotonic()
        assert process.line() == "wake-up"
        took = time.monotonic() - began
        process.result()
    engine.queue.delete_many(engine.queue.receive("work"))
    return took


def test_a_waiting_process_wakes_soon_after_another_puts_a_message(engine: Engine, tmp_path: Path) -> None:
    # The machine may be busy with something else once or twice.
    assert any(wake_up_time(engine, tmp_path) < 0.05 for _ in range(3))


def test_one_failing_write_does_not_take_its_fellows_along(engine: Engine) -> None:
    engine.table.put(Put(Key("rows", "p", "taken"), {"n": 1}))
    start = threading.Barrier(16)

    def write(number: int) -> bool:
        start.wait(10)
        try:
            if number % 2:
                engine.outbox.commit(
                    [
                        Put(Key("rows", "q", f"{number}"), {}),
                        Update(Key("rows", "p", "taken"), set={"n": 2}, when=[Absent("n")]),
                    ],
                    [Job("work", "wrong")],
                )
            else:
                engine.outbox.commit([Put(Key("rows", "p", f"{number}"), {})], [Job("work", "right")])
        except ConditionFailed:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(write, range(16))) == [number % 2 == 0 for number in range(16)]
    assert len(engine.table.query(Query("rows", "p")).rows) == 9
    assert engine.table.query(Query("rows", "q")).rows == []
    assert [message.body for message in engine.queue.receive("work", limit=50)] == ["right"] * 8


def has_open(path: Path) -> bool:
    """Whether this process has that file open."""
    found = []
    for handle in range(3, 256):
        with suppress(OSError):
            found.append(os.path.samestat(os.fstat(handle), path.stat()))
    return any(found)


def test_a_forked_process_uses_connections_of_its_own(engine: Engine, tmp_path: Path) -> None:
    engine.table.put(Put(Key("rows", "p", "parent"), {}))
    assert has_open(tmp_path / "mailit.db")
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            assert not has_open(tmp_path / "mailit.db")
            engine.table.put(Put(Key("rows", "p", "child"), {}))
            status = 0 if engine.table.get(Key("rows", "p", "parent")) else 1
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    engine.table.put(Put(Key("rows", "p", "parent again"), {}))
    assert names(engine) == {"parent", "child", "parent again"}
