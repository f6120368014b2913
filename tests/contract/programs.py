"""What the contract suite runs in other processes:
`python -m tests.contract.programs <program> <kind> <place> [argument]`.

Each says `ready`, waits for a line, does its work, and says what came of it, a word a line.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count

from mailit.domain.errors import ConditionFailed, Unavailable
from mailit.ports.queue import Job
from mailit.ports.table import Absent, Key, Put, Update
from tests.contract.engines import KINDS, Clock, Engine


def say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def claim(engine: Engine, argument: str) -> None:
    """Try to be the first at 50 rows; say those that were won."""
    for number in range(50):
        try:
            engine.table.update(Update(Key("rows", "race", f"{number}"), {"owner": argument}, when=(Absent("owner"),)))
        except ConditionFailed:
            continue
        say(number)


def add(engine: Engine, argument: str) -> None:
    """Count so many."""
    for _ in range(int(argument)):
        engine.table.update(Update(Key("rows", "counter", "counter"), add={"n": 1}, durable=False))


def take(engine: Engine, _: str) -> None:
    """Receive until nothing is left; say what came."""
    while messages := engine.queue.receive("work", limit=7):
        for message in messages:
            say(message.body)
        engine.queue.delete_many(messages)


def listen(engine: Engine, _: str) -> None:
    """Wait for one message and say it."""
    for message in engine.queue.receive("work", wait=60):
        say(message.body)


def commit(engine: Engine, argument: str) -> None:
    """Two rows and a job in a commit, and a blob, again and again; say the name once all are durable."""
    for number in count():
        name = f"{argument}-{number:06d}"
        rows = [Put(Key("rows", "p", name), {"n": number}), Put(Key("others", "p", name), {"n": number})]
        engine.outbox.commit(rows, [Job("work", name)])
        engine.blobs.put(f"team/{name}", name.encode() * 100)
        say(name)


def cramped(engine: Engine, _: str) -> None:
    """Four threads commit until the disk is full, then one more time when it is not; say what was durable."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))

    def fill(thread: int) -> list[str]:
        stored: list[str] = []
        while True:
            name = f"{thread}-{len(stored):04d}"
            try:
                engine.outbox.commit([Put(Key("rows", "p", name), {"text": "x" * 20_000})], [Job("work", name)])
            except Unavailable:
                return stored
            stored.append(name)

    with ThreadPoolExecutor(4) as threads:
        for stored in threads.map(fill, range(4)):
            say("\n".join(stored))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    engine.outbox.commit([Put(Key("rows", "p", "room-again"), {})], [Job("work", "room-again")])
    say("room-again")


def nothing(_: Engine, __: str) -> None:
    """Only open the engine, which this one does not do before it is told to."""


PROGRAMS: Mapping[str, Callable[[Engine, str], None]] = {
    program.__name__: program for program in (claim, add, take, listen, commit, cramped, nothing)
}


class Process:
    """A program that runs."""

    def __init__(self, program: str, kind: str, place: str, argument: str = "") -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.contract.programs", program, kind, place, argument],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def line(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def go(self) -> None:
        """Let it begin."""
        assert self.popen.stdin is not None
        self.popen.stdin.write("\n")
        self.popen.stdin.flush()

    def result(self) -> list[str]:
        """Everything it said after `ready`, once it has ended well."""
        said, _ = self.popen.communicate(timeout=60)
        assert self.popen.returncode == 0
        return said.split()

    def kill(self) -> list[str]:
        """kill -9, and what it had said until then; the last word may be cut off, so whole lines only."""
        self.popen.kill()
        said, _ = self.popen.communicate(timeout=60)
        return said[: said.rfind("\n") + 1].split()


@contextmanager
def running(*programs: tuple[str, ...]) -> Iterator[list[Process]]:
    """Programs that are ready to begin. Whatever happens, none outlives the test."""
    processes = [Process(*program) for program in programs]
    try:
        for process in processes:
            assert process.line() == "ready"
        yield processes
    finally:
        for process in processes:
            process.popen.kill()
            process.popen.communicate(timeout=60)


def ready() -> None:
    say("ready")
    sys.stdin.readline()


def main(program: str, kind: str, place: str, argument: str = "") -> None:
    opening = program == "nothing"
    if opening:
        ready()
    with KINDS[kind].open(place, Clock()) as engine:
        if not opening:
            ready()
        PROGRAMS[program](engine, argument)


if __name__ == "__main__":
    main(*sys.argv[1:])
