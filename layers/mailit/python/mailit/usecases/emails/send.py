"""`POST /emails` and `POST /emails/batch`: accept emails. What is answered 200 is stored, with its job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import JsonValue

from mailit.contracts.api.emails import MAX_BATCH, BatchFault, SendBatch, SendEmail, SentBatch, SentEmail
from mailit.contracts.api.reading import read
from mailit.domain.api_keys import Caller
from mailit.domain.errors import ApiError, ConditionFailed, invalid
from mailit.domain.ids import successor
from mailit.domain.lanes import Lane
from mailit.ports.queue import Job
from mailit.ports.table import Write
from mailit.stores.limits import Claim
from mailit.usecases.deps import Deps
from mailit.usecases.emails.accept import Acceptance, Accepted


def send(deps: Deps, caller: Caller, request: SendEmail, claim: Claim | None = None) -> SentEmail:
    """Accept one email."""
    first = _first_id(deps, claim)
    answer = SentEmail(id=first)
    if claim is not None and claim.resumed and _stored(deps, caller, [first]):
        _commit(deps, [], [], claim, answer.model_dump_json(by_alias=True))
        return answer
    accepted = Acceptance(deps, caller, Lane.CRITICAL).accept(request, first)
    _commit(deps, _writes(deps, [accepted], claim), accepted.jobs, claim, answer.model_dump_json(by_alias=True))
    return answer


def send_batch(
    deps: Deps, caller: Caller, request: SendBatch, *, permissive: bool, claim: Claim | None = None
) -> SentBatch:
    """Accept up to 100 emails: all or none, or with `permissive` those that are right."""
    items = request.root
    if not 1 <= len(items) <= MAX_BATCH:
        raise invalid(f"The batch must contain between 1 and {MAX_BATCH} emails.")
    accepted, faults = _accept_all(deps, caller, items, permissive=permissive, claim=claim)
    answer = SentBatch(data=[SentEmail(id=item.id) for item in accepted], errors=faults if permissive else None)
    # After a crash some of the emails may be stored already; those are left as they are.
    there = _stored(deps, caller, [item.id for item in accepted]) if _again(claim) else set()
    new = [item for item in accepted if item.id not in there]
    _commit(
        deps,
        _writes(deps, new, claim),
        [job for item in new for job in item.jobs],
        claim,
        answer.model_dump_json(by_alias=True),
    )
    return answer


def _accept_all(
    deps: Deps, caller: Caller, items: list[JsonValue], *, permissive: bool, claim: Claim | None
) -> tuple[list[Accepted], list[BatchFault]]:
    first = _first_id(deps, claim)
    acceptance = Acceptance(deps, caller, Lane.DEFAULT)
    accepted: list[Accepted] = []
    faults: list[BatchFault] = []
    for index, item in enumerate(items):
        try:
            email = _read_item(item)
            accepted.append(acceptance.accept(email, successor(first, index)))
        except ApiError as error:
            if not permissive:
                raise
            faults.append(BatchFault(index=index, message=error.message))
    return accepted, faults


def _read_item(item: JsonValue) -> SendEmail:
    email = read(SendEmail, item)
    if email.attachments:
        raise invalid("Attachments are not supported in batch emails.")
    return email


def _first_id(deps: Deps, claim: Claim | None) -> str:
    return claim.seed if claim is not None else deps.ids.new(deps.clock.now())


def _again(claim: Claim | None) -> bool:
    return claim is not None and claim.resumed


def _writes(deps: Deps, accepted: Sequence[Accepted], claim: Claim | None) -> list[Write]:
    """The rows of the emails, then the emails' own. What an earlier try left behind without its email stays as it is:
    that try may still be running."""
    puts = sorted((put for item in accepted for put in item.writes), key=lambda put: put.last)
    if not _again(claim):
        return list(puts)
    there = deps.table.get_many([put.key for put in puts])
    return [replace(put, only_if_absent=True) for put in puts if put.key not in there]


def _stored(deps: Deps, caller: Caller, ids: list[str]) -> set[str]:
    return {email_id for _, email_id in deps.emails.get_many([(caller.team, email_id) for email_id in ids])}


def _commit(deps: Deps, writes: Sequence[Write], jobs: Sequence[Job], claim: Claim | None, answer: str) -> None:
    """Emails, then the stored answer, then the jobs: a crash in between loses nothing (`release_due`)."""
    if claim is None:
        deps.outbox.commit(writes, jobs)
        return
    try:
        deps.outbox.commit([*writes, claim.complete(answer)], jobs)
    except ConditionFailed:
        raise ApiError(
            409,
            "concurrent_idempotent_requests",
            "There is another request in progress with the same idempotency key.",
        ) from None
