"""SMTP sinks: ours, which writes down what it took, and Postfix's, which is only fast."""

import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.parts import sink_program
from tests.parts.deadline import wait_for
from tests.parts.part import Part
from tests.parts.ports import LOOPBACK, accepts, free_port
from tests.parts.program import Program, own_folder, require_program

_BACKLOG = "512"
_PORT = re.compile(r"^port (\d+)$", re.MULTILINE)


class Taken(NamedTuple):
    """One recipient of one message that the sink acknowledged (or was about to, when it was killed)."""

    recipient: str
    message_id: str
    sender: str
    size: int


class Sink(Part):
    """Our sink in its own process, on 127.0.0.1:`port`. The record is written before the 250, so that a crash on the
    other side can be judged: `duplicates()` counts what was sent twice."""

    def __init__(self) -> None:
        self.folder = own_folder("sink")
        self._records = self.folder / "taken.jsonl"
        self._records.touch()
        self._program = Program([sys.executable, str(Path(sink_program.__file__)), str(self._records)], self.folder)
        try:
            self._program.wait_until(lambda: _PORT.search(self._program.log()))
        except BaseException:
            self.close()
            raise
        found = _PORT.search(self._program.log())
        assert found is not None
        self.port = int(found.group(1))

    def close(self) -> None:
        """End it and remove its folder."""
        self._program.close()
        shutil.rmtree(self.folder)

    def taken(self) -> list[Taken]:
        """Everything until now, in order."""
        whole, _, _ = self._records.read_text("utf-8").rpartition("\n")
        return [Taken(**json.loads(line)) for line in whole.splitlines()]

    def wait_for_taken(self, count: int, within: float = 10.0) -> list[Taken]:
        """What was taken, once there are at least `count`."""
        what = f"{count} messages in the sink"
        wait_for(lambda: len(self.taken()) >= count, within, what)
        return self.taken()

    def duplicates(self) -> dict[tuple[str, str], int]:
        """(recipient, Message-ID) → how often it came, for those that came more than once."""
        counts = Counter((taken.recipient, taken.message_id) for taken in self.taken())
        return {key: count for key, count in counts.items() if count > 1}


class PostfixSink(Part):
    """Postfix's smtp-sink(1) on 127.0.0.1:`port`, to measure against. `flags` as in its manual: `("-8",)`."""

    def __init__(self, flags: Sequence[str] = ()) -> None:
        program = require_program("smtp-sink")
        self.port = free_port()
        self.folder = own_folder("smtp-sink")
        user = ("-u", "nobody") if os.geteuid() == 0 else ()  # it refuses to stay root
        self._program = Program([program, *user, *flags, f"{LOOPBACK}:{self.port}", _BACKLOG], self.folder)
        try:
            self._program.wait_until(lambda: accepts(self.port))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End it and remove its folder."""
        self._program.close()
        shutil.rmtree(self.folder)
