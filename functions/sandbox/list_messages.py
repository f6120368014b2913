"""GET /sandbox/messages: what the sandbox mailbox caught (development only)."""

from __future__ import annotations

from mailit.contracts.api.base import ListAnswer, ListQuery
from mailit.contracts.api.sandbox import SandboxMessage
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases import sandbox


@route(
    "GET",
    "/sandbox/messages",
    id="sandbox/list-messages",
    summary="List sandbox messages",
    query=ListQuery,
    answer=ListAnswer[SandboxMessage],
    scope=Scope.PUBLIC,
    rate=Rate.NONE,
)
def handler(call: Call[None, ListQuery]) -> ListAnswer[SandboxMessage]:
    """404 unless the edge is in sandbox mode and the caller on this machine."""
    return sandbox.list_messages(call.deps, call.source_ip, call.query)
