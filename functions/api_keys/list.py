"""GET /api-keys: API keys of the team, newest first."""

from __future__ import annotations

from mailit.contracts.api.api_keys import ListedApiKey
from mailit.contracts.api.base import ListAnswer, ListQuery
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases import api_keys


@route(
    "GET",
    "/api-keys",
    id="api-keys/list",
    summary="List API keys",
    query=ListQuery,
    answer=ListAnswer[ListedApiKey],
    scope=Scope.FULL,
    rate=Rate.DEFAULT,
)
def handler(call: Call[None, ListQuery]) -> ListAnswer[ListedApiKey]:
    """All of them unless a limit is given."""
    return api_keys.list_keys(call.deps, call.who, call.query)
