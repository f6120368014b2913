"""Every day: remove what has had its time."""

from __future__ import annotations

from mailit.usecases.cleanup import cleanup_expired
from mailit.usecases.deps import Deps
from mailit.work import timer


@timer("cleanup_expired", every=86400)
def handler(deps: Deps) -> None:
    """Safe to run twice at once."""
    cleanup_expired(deps)
