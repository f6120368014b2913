"""GET /sandbox/messages/{message_id}: one caught message with its source (development only)."""

from __future__ import annotations

from mailit.contracts.api.sandbox import SandboxMessage
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases import sandbox


@route(
    "GET",
    "/sandbox/messages/{message_id}",
    id="sandbox/get-message",
    summary="Retrieve a sandbox message",
    answer=SandboxMessage,
    scope=Scope.PUBLIC,
    rate=Rate.NONE,
)
def handler(call: Call[None]) -> SandboxMessage:
    """404 unless the edge is in sandbox mode and the caller on this machine."""
    return sandbox.get_message(call.deps, call.source_ip, call.path["message_id"])
