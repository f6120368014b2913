"""POST /emails: accept one email."""

from __future__ import annotations

from mailit.contracts.api.emails import SendEmail, SentEmail
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases.emails import send


@route(
    "POST",
    "/emails",
    id="emails/send",
    summary="Send an email",
    body=SendEmail,
    answer=SentEmail,
    scope=Scope.SENDING,
    rate=Rate.SEND,
    idempotent=True,
    max_body=56 * 1024 * 1024,
)
def handler(call: Call[SendEmail]) -> SentEmail:
    """Answers 200 once the email is stored with its dispatch job."""
    return send.send(call.deps, call.who, call.body, call.claim)
