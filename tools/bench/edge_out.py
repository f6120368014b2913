"""The edge's outbound role alone, working off jobs that lie ready, to smtp-sink."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailit.ports.queue import Job
from mailit.stores.queues import RESULTS
from tests.parts.deadline import wait_for
from tools.bench import cpu, mail
from tools.bench.folder import temporary
from tools.bench.rig import clean, environment, rig
from tools.bench.sink import other_side

JOBS = 4000
_BATCH = 100


def measure() -> dict[str, float]:
    """Claims, deliveries and results; what is started before the jobs come is not counted."""
    with temporary("edge") as folder, other_side() as settings:
        data, held = folder / "data", list[Job]()
        data.mkdir()
        with rig(data, held=held) as made:
            for first in range(0, JOBS, _BATCH):
                made.post("/emails/batch", mail.batch(first, _BATCH))
            made.work("dispatch")
            queue = made.deps.queue
            with _edge(data, settings) as pid:
                before = cpu.seconds([pid])
                queue.put_many(held)
                wait_for(lambda: queue.stats(RESULTS).waiting >= JOBS, within=90, what="results")
                wait_for(lambda: queue.stats("outbound-default").in_flight == 0, within=10, what="an empty queue")
                used = cpu.seconds([pid]) - before
    return {"edge_out_msg_per_cpu_s": JOBS / used}


@contextmanager
def _edge(data: Path, settings: dict[str, str]) -> Iterator[int]:
    log = data.parent / "edge.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "edge", "--roles", "outbound"],
            env=environment(data, **clean(os.environ), **settings),
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        wait_for(lambda: "edge ready" in log.read_text() or process.poll() is not None, within=20, what="the edge")
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)
