"""Every minute: put jobs for scheduled mail whose time comes and for mail that was left behind."""

from __future__ import annotations

from mailit.usecases.delivery.release import release_due
from mailit.usecases.deps import Deps
from mailit.work import timer


@timer("release_due", every=60)
def handler(deps: Deps) -> None:
    """Safe to run twice at once."""
    release_due(deps)
