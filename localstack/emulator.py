"""The emulator: one that runs already, or MiniStack in the background."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from localstack.folder import Folder

_LOOPBACK = "127.0.0.1"
_PORT = 4566
_START_WITHIN = 30.0  # seconds
_END_WITHIN = 10.0


class NotStarted(Exception):
    """Why there is no emulator."""


class Emulator:
    """MiniStack in a process group of its own, found again by its pid and the moment it started."""

    def __init__(self, root: Path, folder: Folder) -> None:
        self._root = root
        self._folder = folder

    def start(self) -> str:
        """Its endpoint; one that we started before is used again."""
        known = self._folder.read(self._folder.emulator)
        if known and _started(known["pid"]) == known["started"]:
            return str(known["endpoint"])
        port = _free_port()
        with self._folder.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - a script of ours
                [self._root / "localstack/start.sh"],
                env={**os.environ, "GATEWAY_PORT": str(port), "TMPDIR": str(self._folder.scratch)},
                cwd=self._folder.path,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        endpoint = f"http://{_LOOPBACK}:{port}"
        started = _started(process.pid)
        self._folder.note(self._folder.emulator, {"pid": process.pid, "started": started, "endpoint": endpoint})
        if (
            not _until(lambda: process.poll() is not None or _answers(port), _START_WITHIN)
            or process.poll() is not None
        ):
            raise NotStarted(f"the emulator did not start; {self._folder.log} says why")
        return endpoint

    def stop(self) -> None:
        """End the one that we started, and the functions it runs."""
        known = self._folder.read(self._folder.emulator)
        if not known or _started(known["pid"]) != known["started"]:
            return
        pid = int(known["pid"])
        os.kill(pid, signal.SIGTERM)
        if not _until(lambda: _started(pid) != known["started"], _END_WITHIN):
            os.killpg(pid, signal.SIGKILL)
        self._folder.emulator.unlink()


def _started(pid: int) -> str:
    """When the process started, in the kernel's ticks; empty when there is none. A pid may be used again."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _free_port() -> int:
    for wanted in (_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_LOOPBACK, wanted))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise NotStarted("there is no free port")


def _answers(port: int) -> bool:
    connection = HTTPConnection(_LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/_localstack/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
