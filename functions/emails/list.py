"""GET /emails: emails of the team, newest first."""

from __future__ import annotations

from mailit.contracts.api.base import ListAnswer, ListQuery
from mailit.contracts.api.emails import ListedEmail
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases.emails import read


@route(
    "GET",
    "/emails",
    id="emails/list",
    summary="List emails",
    query=ListQuery,
    answer=ListAnswer[ListedEmail],
    scope=Scope.FULL,
    rate=Rate.DEFAULT,
)
def handler(call: Call[None, ListQuery]) -> ListAnswer[ListedEmail]:
    """20 unless a limit is given."""
    return read.list_emails(call.deps, call.who, call.query)
