"""Child processes: started, watched, started again when they end, and ended together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from gateway.data_folder import CannotStart
from gateway.family import die_with_parent

LOOK_EVERY = 0.05  # seconds
_STOP_WITHIN = 9.0
_BACK_OFF = (0.2, 1.0, 5.0, 15.0)
_STEADY = 60.0  # seconds after which an end is no longer taken for a failed start


@dataclass(slots=True)
class Child:
    """One process and how often it had to be started again."""

    name: str
    arguments: list[str]
    process: subprocess.Popen[bytes]
    failures: int = 0
    started: float = field(default_factory=time.monotonic)
    again_at: float | None = None


class Supervisor:
    """`environment` is the children's; what they print goes to `<logs>/<name>.log`; `say` tells the user."""

    def __init__(self, logs: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._logs = logs
        self._environment = dict(environment)
        self._say = say
        self._children: list[Child] = []
        self._stopping = False

    def stop(self, *_: object) -> None:
        """Asks for the end."""
        self._stopping = True

    @property
    def stopping(self) -> bool:
        """True once the end was asked for."""
        return self._stopping

    @property
    def pids(self) -> dict[str, int]:
        """The children's process ids by name."""
        return {child.name: child.process.pid for child in self._children}

    def start(self, name: str, arguments: list[str]) -> None:
        """Start a child: Python with these arguments."""
        self._children.append(Child(name, arguments, self._spawn(name, arguments)))

    def _spawn(self, name: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        handle = os.open(self._log(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab") as log:
            return subprocess.Popen(  # noqa: S603
                [sys.executable, *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is for us; the end is asked for in order
                preexec_fn=partial(die_with_parent, os.getpid()),
            )

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def check_alive(self) -> None:
        """While starting: a child that ends is a reason to give up."""
        for child in self._children:
            if child.process.poll() is not None:
                log = self._log(child.name)
                last = log.read_text("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
                raise CannotStart(f"{child.name} did not start: {last[0]} (see {log})")

    def watch(self, changed: Callable[[], None]) -> None:
        """Until the end is asked for: a child that ends is started again, later each time it ends soon. `changed` is
        called when `pids` did."""
        while not self._stopping:
            started = [self._look_after(child) for child in self._children]
            if any(started):
                changed()
            time.sleep(LOOK_EVERY)

    def _look_after(self, child: Child) -> bool:
        """Whether it was started again."""
        now = time.monotonic()
        if child.again_at is not None:
            if now < child.again_at:
                return False
            child.again_at, child.started = None, now
            child.process = self._spawn(child.name, child.arguments)
            return True
        if child.process.poll() is not None:
            child.failures = 0 if now - child.started > _STEADY else child.failures
            pause = _BACK_OFF[min(child.failures, len(_BACK_OFF) - 1)]
            child.failures += 1
            child.again_at = now + pause
            self._say(f"{child.name} ended with {child.process.returncode}; starting it again in {pause:g} s")
        return False

    def end(self) -> None:
        """End all children, in the order they were started; whoever does not listen is killed."""
        deadline = time.monotonic() + _STOP_WITHIN
        for child in self._children:
            if child.process.poll() is None:
                child.process.terminate()
        for child in self._children:
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()
