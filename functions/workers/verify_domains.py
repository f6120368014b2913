"""Every 15 minutes: have domains looked at whose time has come."""

from __future__ import annotations

from mailit.usecases.deps import Deps
from mailit.usecases.domains.verify import enqueue_due
from mailit.work import timer


@timer("verify_domains", every=900)
def handler(deps: Deps) -> None:
    """Safe to run twice at once."""
    enqueue_due(deps)
