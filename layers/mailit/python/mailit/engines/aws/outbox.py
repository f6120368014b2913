"""Port `Outbox`: rows, then jobs, then the end of what is done, each in as few calls as possible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mailit.engines.aws.queue import SqsQueue
from mailit.engines.aws.table import DynamoTable
from mailit.ports.queue import Job, Message
from mailit.ports.table import Delete, Put, Update, Write


class AwsOutbox:
    """Port `Outbox`."""

    def __init__(self, table: DynamoTable, queue: SqsQueue) -> None:
        self._table = table
        self._queue = queue

    def commit(self, writes: Sequence[Write] = (), jobs: Sequence[Job] = (), done: Sequence[Message] = ()) -> None:
        entries = self._queue.entries(jobs)  # what is no job is refused before a row is written
        for run in _runs(writes):
            self._write(run)
        for queue, its in entries.items():
            self._queue.send(queue, its)
        if done:
            self._queue.delete_many(done)

    def _write(self, run: Sequence[Write]) -> None:
        first = run[0]
        if isinstance(first, Update):
            self._table.update(first)
        elif isinstance(first, Delete):
            self._table.delete(first)
        elif len(run) == 1:
            self._table.put(first)
        else:
            self._table.put_many([write for write in run if isinstance(write, Put)])


def _runs(writes: Sequence[Write]) -> Iterator[list[Write]]:
    """Neighbours that may go in one batch: puts that ask for nothing, those that are to be last after the others.
    Everything else stands alone."""
    run: list[Write] = []
    for write in writes:
        if _plain(write):
            if run and _last(write) and not _last(run[-1]):
                yield run
                run = []
            run.append(write)
            continue
        if run:
            yield run
            run = []
        yield [write]
    if run:
        yield run


def _last(write: Write) -> bool:
    return isinstance(write, Put) and write.last


def _plain(write: Write) -> bool:
    return isinstance(write, Put) and not write.only_if_absent
