"""PATCH /emails/{email_id}: move a scheduled email to another time."""

from __future__ import annotations

from mailit.contracts.api.base import Named
from mailit.contracts.api.emails import UpdateEmail
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases.emails import schedule


@route(
    "PATCH",
    "/emails/{email_id}",
    id="emails/update",
    summary="Update a scheduled email",
    body=UpdateEmail,
    answer=Named,
    scope=Scope.FULL,
    rate=Rate.DEFAULT,
)
def handler(call: Call[UpdateEmail]) -> Named:
    """Only while it is scheduled."""
    return schedule.update(call.deps, call.who, call.path["email_id"], call.body)
