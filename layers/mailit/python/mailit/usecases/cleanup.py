"""Timer `cleanup_expired`: what has had its time is removed."""

from __future__ import annotations

from mailit.stores.limits import Limits
from mailit.usecases.deps import Deps


def cleanup_expired(deps: Deps) -> int:
    """Remove idempotency records older than a day; how many. (DynamoDB's TTL may have done so sooner.)"""
    store, removed = Limits(deps.table), 0
    while found := store.remove_expired(deps.clock.now()):
        removed += found
    return removed
