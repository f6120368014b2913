"""[results]: record what delivery attempts came to."""

from __future__ import annotations

from collections.abc import Sequence

from mailit.contracts.jobs import ResultJob
from mailit.stores.queues import RESULTS
from mailit.usecases.delivery.record import record
from mailit.usecases.deps import Deps
from mailit.work import queue_worker


@queue_worker("record_results", queues=(RESULTS,), model=ResultJob, batch=10)
def handler(jobs: Sequence[ResultJob], deps: Deps) -> None:
    """All of the batch, or an exception: the shim then runs them one by one."""
    record(deps, jobs)
