"""POST /domains: register a domain."""

from __future__ import annotations

from mailit.contracts.api.domains import CreateDomain, DomainAnswer
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases.domains import manage


@route(
    "POST",
    "/domains",
    id="domains/create",
    summary="Create a domain",
    body=CreateDomain,
    answer=DomainAnswer,
    status=201,
    scope=Scope.FULL,
    rate=Rate.DEFAULT,
)
def handler(call: Call[CreateDomain]) -> DomainAnswer:
    """Makes its DKIM keys and says which records to publish."""
    return manage.create(call.deps, call.who, call.body)
