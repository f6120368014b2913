"""DELETE /domains/{domain_id}: remove a domain."""

from __future__ import annotations

from mailit.contracts.api.base import Deleted
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases.domains import manage


@route(
    "DELETE",
    "/domains/{domain_id}",
    id="domains/remove",
    summary="Remove a domain",
    answer=Deleted,
    scope=Scope.FULL,
    rate=Rate.DEFAULT,
)
def handler(call: Call[None]) -> Deleted:
    """Nothing more can be sent from it."""
    return manage.remove(call.deps, call.who, call.path["domain_id"])
