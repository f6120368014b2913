"""A whole MailIt in processes of its own, as `make run` starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.parts.deadline import wait_for
from tests.parts.ports import free_port

ROOT = Path(__file__).parent.parent.parent
SOURCES = os.pathsep.join(str(ROOT / part) for part in ("layers/mailit/python", "smtp-edge", "infra", "."))
"""The code of this tree, whichever tree the virtual environment was made for."""

FREE_RATES = {"MAILIT_RATE_DEFAULT": "100000", "MAILIT_RATE_SEND": "100000", "MAILIT_RATE_BATCH": "100000"}


class Running:
    """`python -m gateway up` on free ports and a data folder of its own. `settings`: MAILIT_* variables."""

    def __init__(self, data: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data = data
        own = {"MAILIT_DATA": str(data), "MAILIT_API_PORT": str(free_port()), "MAILIT_SMTP_PORT": str(free_port())}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAILIT_")}
        self.environment = {**inherited, "PYTHONPATH": SOURCES, **own, **FREE_RATES, **(settings or {})}
        self._log = data.with_suffix(".log")
        self.start()

    def start(self) -> None:
        """Start it, and wait until it says that it is ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "up"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.ready: dict[str, Any] = wait_for(self._read_ready, within=60, what="the ready line")

    def _read_ready(self) -> dict[str, Any] | None:
        if self._process.poll() is not None:
            raise AssertionError(f"it ended: {self.log()[-2000:]}")
        file = self.data / "ready.json"
        return json.loads(file.read_text()) if file.exists() else None

    @property
    def api(self) -> str:
        return str(self.ready["api"])

    @property
    def key(self) -> str:
        return str(self.ready["key"])

    def log(self) -> str:
        """What the supervisor printed."""
        return self._log.read_text("utf-8", "replace")

    def logs(self, name: str) -> str:
        """What a child printed."""
        return (self.data / "logs" / f"{name}.log").read_text("utf-8", "replace")

    def processes(self) -> list[int]:
        """Process ids of the supervisor and of everything below it."""
        found = [self._process.pid]
        for pid in found:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            found += [int(child) for child in children.read_text().split()] if children.exists() else []
        return found

    def kill_all(self) -> None:
        """kill -9 of every process."""
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self._process.wait()
        (self.data / "ready.json").unlink(missing_ok=True)

    def stop(self) -> int:
        """Ctrl-C; its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        return self._process.wait(20)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
