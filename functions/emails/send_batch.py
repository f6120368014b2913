"""POST /emails/batch: accept up to 100 emails."""

from __future__ import annotations

from mailit.contracts.api.emails import SendBatch, SentBatch
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, route
from mailit.usecases.emails import send


@route(
    "POST",
    "/emails/batch",
    id="emails/send-batch",
    summary="Send up to 100 emails at once",
    body=SendBatch,
    answer=SentBatch,
    scope=Scope.SENDING,
    rate=Rate.BATCH,
    idempotent=True,
    headers={"x-batch-validation": "`strict` (default): all or none; `permissive`: those that are right"},
)
def handler(call: Call[SendBatch]) -> SentBatch:
    """All are stored with their jobs, or with `permissive` those that are right."""
    permissive = call.headers.get("x-batch-validation", "").lower() == "permissive"
    return send.send_batch(call.deps, call.who, call.body, permissive=permissive, claim=call.claim)
