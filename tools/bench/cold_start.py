"""How long a fresh process takes until `functions/emails/send` could answer on engine `aws`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from mailit.wiring.settings import BadSetting, load
from tools.bench.figures import LeftOut
from tools.bench.rig import MASTER_KEY, clean

_TIMES = 5
_PROGRAM = """
import time
started = time.perf_counter()
from functions.emails.send import handler
from mailit import wiring
wiring.get()
print((time.perf_counter() - started) * 1000)
"""
_SETTINGS = {
    "MAILIT_ENGINE": "aws",
    "MAILIT_MASTER_KEY": MASTER_KEY,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
}


def measure() -> dict[str, float]:
    """Median of five; nothing is asked of AWS."""
    try:
        load(_SETTINGS)
    except BadSetting:
        raise LeftOut("engine aws missing") from None
    return {"import_ms_aws": statistics.median(_once() for _ in range(_TIMES))}


def _once() -> float:
    argv = [sys.executable, "-c", _PROGRAM]
    env = {**clean(os.environ), **_SETTINGS}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    return float(done.stdout)
