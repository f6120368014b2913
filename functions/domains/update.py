"""PATCH /domains/{domain_id}: change a domain's settings."""

from __future__ import annotations

from mailit.contracts.api.base import Named
from mailit.contracts.api.domains import UpdateDomain
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases.domains import manage


@route(
    "PATCH",
    "/domains/{domain_id}",
    id="domains/update",
    summary="Update a domain",
    body=UpdateDomain,
    answer=Named,
    scope=Scope.FULL,
    rate=Rate.DEFAULT,
)
def handler(call: Call[UpdateDomain]) -> Named:
    """What is absent stays as it is."""
    return manage.update(call.deps, call.who, call.path["domain_id"], call.body)
