"""GET /domains/{domain_id}: one domain with its records."""

from __future__ import annotations

from mailit.contracts.api.domains import DomainAnswer
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases.domains import manage


@route(
    "GET",
    "/domains/{domain_id}",
    id="domains/get",
    summary="Retrieve a domain",
    answer=DomainAnswer,
    scope=Scope.FULL,
    rate=Rate.DEFAULT,
)
def handler(call: Call[None]) -> DomainAnswer:
    """With the state of each record."""
    return manage.get(call.deps, call.who, call.path["domain_id"])
