"""POST /api-keys: make an API key."""

from __future__ import annotations

from mailit.contracts.api.api_keys import CreateApiKey, CreatedApiKey
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases import api_keys


@route(
    "POST",
    "/api-keys",
    id="api-keys/create",
    summary="Create an API key",
    body=CreateApiKey,
    answer=CreatedApiKey,
    status=201,
    scope=Scope.FULL,
    rate=Rate.DEFAULT,
)
def handler(call: Call[CreateApiKey]) -> CreatedApiKey:
    """The token is in this answer and nowhere else."""
    return api_keys.create(call.deps, call.who, call.body)
