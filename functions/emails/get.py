"""GET /emails/{email_id}: one email."""

from __future__ import annotations

from mailit.contracts.api.emails import EmailAnswer
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases.emails import read


@route(
    "GET",
    "/emails/{email_id}",
    id="emails/get",
    summary="Retrieve an email",
    answer=EmailAnswer,
    scope=Scope.FULL,
    rate=Rate.DEFAULT,
)
def handler(call: Call[None]) -> EmailAnswer:
    """With its content and its last event."""
    return read.get(call.deps, call.who, call.path["email_id"])
