"""Port `Outbox`: a step that writes rows and jobs hands them over in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mailit.ports.queue import Job, Message
from mailit.ports.table import Write


class Outbox(Protocol):
    """`commit` is one durable transaction on the embedded engine (nothing is left behind, one fsync) and batches in
    the order rows, jobs, done on `aws`, where a crash in between leaves rows without jobs (never the other way round)
    and `release_due` finds them. Neighbouring puts are one batch there, of which a crash may leave any part; see
    `Put.last`."""

    def commit(self, writes: Sequence[Write] = (), jobs: Sequence[Job] = (), done: Sequence[Message] = ()) -> None:
        """Apply `writes` in order, put `jobs`, delete the messages `done`.

        The first condition that fails raises `ConditionFailed`: no job is put and no message deleted; on `embedded`
        no row is written either, on `aws` the rows before it are.
        """
        ...
