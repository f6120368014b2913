"""Worker `dispatch` in a process of its own: `python -m tools.bench.dispatch FOLDER` works off what waits there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tools.bench import mail
from tools.bench.folder import temporary
from tools.bench.rig import rig

EMAILS = 2000
_BATCH = 100


def measure() -> dict[str, float]:
    """Emails are accepted first; then the process takes them as the triggers do, ten at a time."""
    with temporary("dispatch") as folder:
        with rig(folder) as made:
            for first in range(0, EMAILS, _BATCH):
                made.post("/emails/batch", mail.batch(first, _BATCH))
        argv = [sys.executable, "-m", "tools.bench.dispatch", str(folder)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120)  # noqa: S603
        told = json.loads(done.stdout)
    if told["jobs"] != EMAILS:
        raise RuntimeError(f"{told['jobs']} of {EMAILS} emails were dispatched")
    return {"dispatch_msg_per_cpu_s": EMAILS / told["cpu"]}


def work_off(folder: Path) -> dict[str, float]:
    """CPU seconds of the loop, and how many outbound jobs came of it. The keys are loaded before, as in a process that
    has been running for a while."""
    with rig(folder) as made:
        poller = made.poller("dispatch")
        poller.sweep()
        before, started = _now()
        while poller.sweep():
            pass
        after, ended = _now()
        jobs = made.deps.queue.stats("outbound-default").waiting
        return {"cpu": (after - before) * EMAILS / (EMAILS - 10), "seconds": ended - started, "jobs": jobs}


def _now() -> tuple[float, float]:
    times = os.times()
    return times.user + times.system, time.monotonic()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(work_off(Path(sys.argv[1]))) + "\n")
