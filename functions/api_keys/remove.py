"""DELETE /api-keys/{api_key_id}: remove an API key."""

from __future__ import annotations

from mailit.contracts.api.base import Deleted
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases import api_keys


@route(
    "DELETE",
    "/api-keys/{api_key_id}",
    id="api-keys/remove",
    summary="Remove an API key",
    answer=Deleted,
    scope=Scope.FULL,
    rate=Rate.DEFAULT,
)
def handler(call: Call[None]) -> Deleted:
    """It stops working at once."""
    return api_keys.remove(call.deps, call.who, call.path["api_key_id"])
