"""GET /domains: domains of the team, newest first."""

from __future__ import annotations

from mailit.contracts.api.base import ListAnswer, ListQuery
from mailit.contracts.api.domains import ListedDomain
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases.domains import manage


@route(
    "GET",
    "/domains",
    id="domains/list",
    summary="List domains",
    query=ListQuery,
    answer=ListAnswer[ListedDomain],
    scope=Scope.FULL,
    rate=Rate.DEFAULT,
)
def handler(call: Call[None, ListQuery]) -> ListAnswer[ListedDomain]:
    """All of them unless a limit is given."""
    return manage.list_domains(call.deps, call.who, call.query)
