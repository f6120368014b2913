"""`GET /healthz`: does the engine answer, and do the queues move?"""

from __future__ import annotations

from mailit.contracts.api.health import Health, QueueHealth
from mailit.ports.table import Key
from mailit.stores.queues import QUEUES
from mailit.stores.tables import ACCOUNTS
from mailit.usecases.deps import Deps


def check(deps: Deps) -> Health:
    """Reads one row and every queue's state; an engine that does not answer makes this a 503."""
    deps.table.get(Key(ACCOUNTS, "health", "health"))
    queues = [_queue(deps, spec.name) for spec in QUEUES]
    return Health(
        status="ok",
        engine=deps.options.engine,
        oldest_age=max((queue.oldest_age for queue in queues if queue.oldest_age is not None), default=None),
        queues=queues,
    )


def _queue(deps: Deps, name: str) -> QueueHealth:
    stats = deps.queue.stats(name)
    return QueueHealth(
        name=name,
        waiting=stats.waiting,
        in_flight=stats.in_flight,
        dead=stats.dead,
        oldest_age=stats.oldest_age,
    )
