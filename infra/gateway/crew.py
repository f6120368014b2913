"""Forked processes that do the same work side by side; one that dies is replaced."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable

from gateway.family import die_with_parent

_log = logging.getLogger("gateway.crew")

_RESPAWN = 1.0  # seconds until a process that died is replaced
_ENDINGS = (signal.SIGTERM, signal.SIGINT)
# Blocked and waited for, never handled: no signal can fall between a fork and the note that there was one.
_AWAITED = (*_ENDINGS, signal.SIGCHLD, signal.SIGALRM)


class Crew:
    """`work(number)` runs in `count` processes, numbered from 0, until SIGTERM or SIGINT. It has to call `on_ending`
    when it is able to stop, and return when it was told to."""

    def __init__(self, count: int, work: Callable[[int], None]) -> None:
        self._work = work
        self._numbers: dict[int, int] = {}
        self._vacant = list(range(count))

    def run(self) -> None:
        """Keeps them running; returns when all have ended after the end was asked for."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
        for ignored in (signal.SIGCHLD, signal.SIGALRM):
            signal.signal(ignored, _note)  # some systems drop what is ignored even while it is blocked
        self._fill()
        while (arrived := signal.sigwait(_AWAITED)) not in _ENDINGS:
            if arrived == signal.SIGALRM:
                self._fill()
            elif self._reap():
                signal.setitimer(signal.ITIMER_REAL, _RESPAWN)
        self._end()

    def _fill(self) -> None:
        while self._vacant:
            number = self._vacant.pop()
            self._numbers[self._spawn(number)] = number

    def _reap(self) -> bool:
        """Whether there are vacancies."""
        while self._numbers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            number = self._numbers.pop(pid)
            self._vacant.append(number)
            _log.error("process %d ended with %d; another starts", number, os.waitstatus_to_exitcode(status))
        return bool(self._vacant)

    def _end(self) -> None:
        for pid in self._numbers:
            os.kill(pid, signal.SIGTERM)
        for pid in self._numbers:
            os.waitpid(pid, 0)

    def _spawn(self, number: int) -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            die_with_parent(parent)
            self._work(number)
            status = 0
        finally:
            if status:
                _log.error("process %d failed", number, exc_info=True)
            os._exit(status)


def on_ending(stop: Callable[[], object]) -> None:
    """Inside a process of a crew: call `stop` when the end is asked for, also when it was already."""
    signal.signal(signal.SIGTERM, lambda *_: stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C reaches the crew, which passes it on
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)


def _note(*_: object) -> None:
    """The signal is waited for; nothing to do."""
