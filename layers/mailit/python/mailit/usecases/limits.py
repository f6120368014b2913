"""Rate limits: requests per second, per team and class, all keys of the team together."""

from __future__ import annotations

from dataclasses import dataclass

from mailit.domain.api_keys import Rate
from mailit.domain.times import SECOND
from mailit.stores.limits import Limits
from mailit.usecases.deps import Deps


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of the current second. `reset` in seconds."""

    limit: int
    remaining: int
    reset: int
    allowed: bool


def take(deps: Deps, team: str, rate: Rate) -> Allowance:
    """Count one request. A counter that cannot be reached raises `Unavailable`: the limit fails closed."""
    limit = deps.options.rates[rate.value]
    count = Limits(deps.table).count(team, rate.value, deps.clock.now() // SECOND)
    return Allowance(limit, max(0, limit - count), 1, count <= limit)
