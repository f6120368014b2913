"""GET /healthz: does the engine answer, do the queues move."""

from __future__ import annotations

from mailit.contracts.api.health import Health
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases import health


@route(
    "GET",
    "/healthz",
    id="health/check",
    summary="Health of the engine and the queues",
    answer=Health,
    scope=Scope.PUBLIC,
    rate=Rate.NONE,
)
def handler(call: Call[None]) -> Health:
    """503 when the engine does not answer."""
    return health.check(call.deps)
