"""[dispatch-*]: turn accepted emails into signed messages, one outbound job per recipient."""

from __future__ import annotations

from collections.abc import Sequence

from mailit.contracts.jobs import DispatchJob
from mailit.domain.lanes import Lane
from mailit.stores.queues import DISPATCH_REMOTE, dispatch
from mailit.usecases.delivery.dispatch import dispatcher_of
from mailit.usecases.deps import Deps
from mailit.work import queue_worker


@queue_worker(
    "dispatch",
    queues=(*(dispatch(lane) for lane in Lane), DISPATCH_REMOTE),
    slow=(DISPATCH_REMOTE,),
    model=DispatchJob,
    batch=10,
)
def handler(jobs: Sequence[DispatchJob], deps: Deps) -> None:
    """All of the batch, or an exception: the shim then runs them one by one."""
    dispatcher_of(deps).run(jobs)
