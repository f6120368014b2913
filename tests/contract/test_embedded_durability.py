"""What the embedded engine promises beyond the ports: processes may be killed at any time."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mailit.domain.errors import ConditionFailed
from mailit.engines.embedded.connection import UnusableData
from mailit.engines.embedded.engine import open_engine
from mailit.ports.queue import Job
from mailit.ports.table import Absent, Key, Put, Query, Update
from tests.contract.engines import QUEUES, TABLES
from tests.house import Clock
from tests.parts.running import ROOT, SOURCES

WRITER = """
import sys
from pathlib import Path
from mailit.engines.embedded.engine import open_engine
from mailit.engines.net.clock import SystemClock
from mailit.ports.queue import Job
from mailit.ports.table import Key, Put
from tests.contract.engines import QUEUES, TABLES

engine = open_engine(Path(sys.argv[1]), TABLES, QUEUES, SystemClock())
number = 0
while True:
    name = f"{sys.argv[2]}-{number:06d}"
    rows = [Put(Key("rows", "p", f"{name}-{part}"), {"n": number}) for part in "ab"]
    engine.outbox.commit(rows, [Job("work", name)])
    engine.blobs.put(f"team/{name}", name.encode() * 100)
    print(name, flush=True)
    number += 1
"""


def writer(folder: Path, name: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    arguments = [sys.executable, "-c", WRITER, str(folder), name]
    return subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def test_kill_9_loses_nothing_acknowledged_and_leaves_nothing_half(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for turn in range(3):
        processes = [writer(tmp_path, f"{turn}{which}") for which in "xy"]
        for process in processes:
            assert process.stdout is not None
            acknowledged += [process.stdout.readline().strip() for _ in range(20)]
        for process in processes:
            process.send_signal(signal.SIGKILL)
            assert process.stdout is not None
            # A line cut short was not acknowledged.
            acknowledged += [line.strip() for line in process.stdout.readlines() if line.endswith("\n")]
            process.wait()
            process.stdout.close()
    engine = open_engine(tmp_path, TABLES, QUEUES, Clock(10**18))
    rows = {str(row["sk"]) for row in engine.table.query(Query("rows", "p", limit=100_000)).rows}
    jobs = {message.body for message in engine.queue.receive("work", limit=100_000)}
    assert set(acknowledged) <= jobs
    assert rows == {f"{name}-{part}" for name in jobs for part in "ab"}
    for name in acknowledged:
        assert engine.blobs.get(f"team/{name}") == name.encode() * 100
    engine.close()


def test_several_processes_may_open_an_empty_folder_at_once(tmp_path: Path) -> None:
    processes = [writer(tmp_path / "new", str(which)) for which in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline().strip().endswith("-000000")
        process.kill()
        process.wait()
        process.stdout.close()


def test_one_failing_write_does_not_take_its_fellows_along(tmp_path: Path) -> None:
    engine = open_engine(tmp_path, TABLES, QUEUES, Clock())
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
    engine.close()


def test_a_forked_process_uses_connections_of_its_own(tmp_path: Path) -> None:
    engine = open_engine(tmp_path, TABLES, QUEUES, Clock())
    engine.table.put(Put(Key("rows", "p", "parent"), {}))
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            engine.table.put(Put(Key("rows", "p", "child"), {}))
            status = 0 if engine.table.get(Key("rows", "p", "parent")) else 1
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    engine.table.put(Put(Key("rows", "p", "parent again"), {}))
    assert len(engine.table.query(Query("rows", "p")).rows) == 3
    engine.close()


def test_a_folder_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    open_engine(tmp_path, TABLES, QUEUES, Clock()).close()
    connection = sqlite3.connect(tmp_path / "mailit.db")
    connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(UnusableData, match="99"):
        open_engine(tmp_path, TABLES, QUEUES, Clock())
