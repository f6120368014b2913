"""A proxy between us and an emulator of AWS that disturbs calls: see `aws_proxy_program`."""

import json
import re
import shutil
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tests.parts.part import Part
from tests.parts.ports import LOOPBACK
from tests.parts.program import Program, own_folder

PROGRAM = Path(__file__).with_name("aws_proxy_program.py")
_PORT = re.compile(r"^port (\d+)$", re.MULTILINE)

RATES: Mapping[str, int] = {"delay": 20, "before": 15, "after": 20, "error": 20, "throttle": 15, "half": 60}
"""Of a thousand calls; `half` is of batches alone, so that about one call in ten is disturbed."""


class AwsProxy(Part):
    """In a process of its own, in front of the emulator at `backend` (a port)."""

    def __init__(self, backend: int, seed: int, rates: Mapping[str, int] = RATES) -> None:
        self.rates = rates
        self.folder = own_folder("aws-proxy")
        arguments = [str(backend), str(seed), json.dumps(dict(rates))]
        self._program = Program([sys.executable, "-P", str(PROGRAM), *arguments], self.folder)
        try:
            self._program.wait_until(lambda: _PORT.search(self._program.log()))
        except BaseException:
            self.close()
            raise
        found = _PORT.search(self._program.log())
        assert found is not None
        self.endpoint = f"http://{LOOPBACK}:{found.group(1)}"

    def counts(self) -> dict[str, int]:
        """`calls`, and how often each kind of fault was done, in all and by service."""
        with urllib.request.urlopen(f"{self.endpoint}/--faults", timeout=10) as response:
            found: dict[str, int] = json.load(response)
        return found

    def log(self) -> str:
        """What it printed: a fault of its own, if anything but the port."""
        return self._program.log()

    def close(self) -> None:
        """End it and remove its folder."""
        self._program.close()
        shutil.rmtree(self.folder)
