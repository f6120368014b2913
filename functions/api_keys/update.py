"""PATCH /api-keys/{api_key_id}: rename an API key."""

from __future__ import annotations

from mailit.contracts.api.api_keys import UpdateApiKey
from mailit.contracts.api.base import Named
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases import api_keys


@route(
    "PATCH",
    "/api-keys/{api_key_id}",
    id="api-keys/update",
    summary="Update an API key",
    body=UpdateApiKey,
    answer=Named,
    scope=Scope.FULL,
    rate=Rate.DEFAULT,
)
def handler(call: Call[UpdateApiKey]) -> Named:
    """Only its name can change."""
    return api_keys.update(call.deps, call.who, call.path["api_key_id"], call.body)
