"""POST /emails/{email_id}/cancel: cancel a scheduled email."""

from __future__ import annotations

from mailit.contracts.api.base import Named
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases.emails import schedule


@route(
    "POST",
    "/emails/{email_id}/cancel",
    id="emails/cancel",
    summary="Cancel a scheduled email",
    answer=Named,
    scope=Scope.FULL,
    rate=Rate.DEFAULT,
)
def handler(call: Call[None]) -> Named:
    """For good, and only while it is scheduled."""
    return schedule.cancel(call.deps, call.who, call.path["email_id"])
