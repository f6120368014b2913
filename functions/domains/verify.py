"""POST /domains/{domain_id}/verify: look up a domain's records."""

from __future__ import annotations

from mailit.contracts.api.base import Named
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases.domains import verify


@route(
    "POST",
    "/domains/{domain_id}/verify",
    id="domains/verify",
    summary="Verify a domain",
    answer=Named,
    scope=Scope.FULL,
    rate=Rate.DEFAULT,
)
def handler(call: Call[None]) -> Named:
    """Starts the look-up; its outcome is read from the domain."""
    return verify.request_check(call.deps, call.who, call.path["domain_id"])
