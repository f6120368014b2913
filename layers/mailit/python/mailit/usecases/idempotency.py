"""Idempotency keys: one request, one effect, whatever happens between (contract §1).

A request with a key first *claims* it: a record that says "in progress" and reserves the ids of the emails to be made.
The use case stores the answer in the same commit as the emails. So of any number of equal requests exactly one makes
emails, the others get 409 while it runs and its answer afterwards. A claim whose process died is taken over after
`_LEASE`, with the same ids, so that emails already written are found instead of made again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from mailit.domain.api_keys import Caller
from mailit.domain.errors import ApiError
from mailit.domain.times import DAY, MINUTE, SECOND, Micros
from mailit.ports.table import Key
from mailit.stores.limits import Claim, Limits, Record
from mailit.usecases.deps import Deps

_LEASE: Micros = 1 * MINUTE  # longer than any request may run (API Gateway: 29 s)
_KEPT: Micros = DAY


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer of the first request, to be given again."""

    body: str


def begin(deps: Deps, caller: Caller, operation_id: str, key: str, body: bytes) -> Claim | Stored:
    """Claim `key` for this team and operation, or the stored answer. Raises 400 and 409."""
    if not 1 <= len(key) <= 256:
        raise ApiError(
            400, "invalid_idempotency_key", "Idempotency keys, if present, must have between 1 and 256 characters."
        )
    limits = Limits(deps.table)
    where = limits.record_key(caller.team, operation_id, hashlib.sha256(key.encode()).hexdigest())
    fresh = _fresh(deps, hashlib.sha256(body).hexdigest())
    if limits.open_record(where, fresh):
        return Claim(where, fresh, resumed=False)
    return _join(deps, limits, where, fresh)


def abandon(deps: Deps, claim: Claim) -> None:
    """The request was refused (an `ApiError`): the key is free again. Not for failures whose effect is unknown."""
    Limits(deps.table).drop_record(claim.key, claim.record)


def _fresh(deps: Deps, body_hash: str) -> Record:
    now = deps.clock.now()
    return Record(deps.ids.new(now), body_hash, now + _LEASE, (now + _KEPT) // SECOND, None)


def _join(deps: Deps, limits: Limits, where: Key, fresh: Record) -> Claim | Stored:
    old = limits.record(where)
    now = deps.clock.now()
    if old is None:  # abandoned just now
        raise _concurrent()
    if old.expires * SECOND <= now:
        return _take(limits, where, old, fresh, resumed=False)
    if old.body_hash != fresh.body_hash:
        raise ApiError(
            409,
            "invalid_idempotent_request",
            "This idempotency key has been used with this HTTP method and endpoint within the last 24 hours, but the"
            " request body was modified and doesn't match the original request.",
        )
    if old.answer is not None:
        return Stored(old.answer)
    if old.lease_until > now:
        raise _concurrent()
    return _take(limits, where, old, replace(old, lease_until=now + _LEASE), resumed=True)


def _take(limits: Limits, where: Key, old: Record, new: Record, *, resumed: bool) -> Claim:
    if not limits.replace_record(where, old, new):
        raise _concurrent()
    return Claim(where, new, resumed)


def _concurrent() -> ApiError:
    return ApiError(
        409,
        "concurrent_idempotent_requests",
        "There is another request in progress with the same idempotency key.",
    )
