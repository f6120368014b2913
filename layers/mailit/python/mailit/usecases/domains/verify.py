"""Looking at a domain's records in the real DNS: asked for by its owner, and by the timer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from mailit.contracts.api.base import Named
from mailit.contracts.jobs import VerifyDomainJob
from mailit.domain.api_keys import Caller
from mailit.domain.domains import DomainStatus, RecordSpec, RecordStatus, judge, missing_record, next_check
from mailit.domain.errors import Refused, Unavailable, not_found
from mailit.domain.records import is_published
from mailit.domain.times import MINUTE, Micros
from mailit.ports.queue import Job
from mailit.stores.domains import Domain, Domains
from mailit.stores.queues import DOMAIN_CHECKS
from mailit.usecases.deps import Deps
from mailit.usecases.domains.answers import specs_of
from mailit.usecases.domains.manage import locked

_log = logging.getLogger("mailit.domains")
_ATTEMPTS = 3


def request_check(deps: Deps, caller: Caller, domain_id: str) -> Named:
    """`POST /domains/{domain_id}/verify`: start verification; the answer of the DNS is read from the domain later."""
    store = Domains(deps.table)
    for _ in range(_ATTEMPTS):
        domain = store.get(caller.team, domain_id)
        if domain is None:
            raise not_found("Domain")
        if store.save_check(caller.team, domain, _started(domain, deps.clock.now())):
            deps.queue.put(check_job(caller.team, domain_id))
            return Named(object="domain", id=domain_id)
    raise locked()


def _started(domain: Domain, now: Micros) -> Domain:
    """Waiting anew. A verified domain goes on sending while it is looked at."""
    if domain.status in (DomainStatus.VERIFIED, DomainStatus.PARTIALLY_FAILED):
        return replace(domain, due=now + MINUTE)
    return replace(
        domain,
        status=DomainStatus.PENDING,
        started_at=now,
        due=now + MINUTE,
        records={
            spec.key: state if state is RecordStatus.VERIFIED else RecordStatus.PENDING
            for spec in specs_of(domain)
            for state in [domain.records.get(spec.key)]
        },
    )


def check_job(team: str, domain_id: str) -> Job:
    """The job that has a domain's records looked up."""
    return Job(DOMAIN_CHECKS, VerifyDomainJob(team=team, domain_id=domain_id).to_json(), group=team)


def check(deps: Deps, job: VerifyDomainJob) -> None:
    """Look up every record and store what that comes to. Runs again from the start when the domain changed."""
    store = Domains(deps.table)
    for _ in range(_ATTEMPTS):
        domain = store.get(job.team, job.domain_id)
        if domain is None:
            return
        new = _judged(domain, _look_up(deps, domain), deps.clock.now())
        if store.save_check(job.team, domain, new):
            _log.info("domain=%s status=%s was=%s", domain.id, new.status, domain.status)
            return
    raise Unavailable("the domain is being changed")


def _look_up(deps: Deps, domain: Domain) -> dict[str, RecordStatus]:
    """All at once: a name server that does not answer costs one time-out, not six."""
    waiting, specs = _waiting(domain, deps.clock.now()), specs_of(domain)
    with ThreadPoolExecutor(len(specs)) as pool:
        states = pool.map(lambda spec: _state(deps, domain, spec, waiting), specs)
        return {spec.key: state for spec, state in zip(specs, states, strict=True)}


def _state(deps: Deps, domain: Domain, spec: RecordSpec, waiting: Micros) -> RecordStatus:
    was = domain.records.get(spec.key, RecordStatus.NOT_STARTED)
    try:
        answer = deps.resolver.look_up(spec.host(domain.name), spec.type)
    except (Unavailable, Refused):
        # The DNS did not say that it is gone.
        return was if was is RecordStatus.VERIFIED else RecordStatus.TEMPORARY_FAILURE
    return RecordStatus.VERIFIED if is_published(spec, answer.records) else missing_record(was, waiting)


def _judged(domain: Domain, records: dict[str, RecordStatus], now: Micros) -> Domain:
    waiting = _waiting(domain, now)
    required: Sequence[RecordStatus] = [
        records[spec.key] for spec in specs_of(domain) if not spec.optional and _matters(domain, spec)
    ]
    status = judge(required, domain.status, waiting)
    pause = next_check(status, waiting)
    started = now if status is DomainStatus.VERIFIED else domain.started_at
    return replace(
        domain, status=status, records=records, started_at=started, due=None if pause is None else now + pause
    )


def _matters(domain: Domain, spec: RecordSpec) -> bool:
    return spec.record != "Receiving" or not domain.sending


def _waiting(domain: Domain, now: Micros) -> Micros:
    return now - (domain.started_at if domain.started_at is not None else now)


def enqueue_due(deps: Deps) -> None:
    """The timer: have every domain looked at whose time has come."""
    store, now = Domains(deps.table), deps.clock.now()
    cursor: str | None = None
    while True:
        due, cursor = store.due(now, cursor)
        deps.queue.put_many([check_job(team, domain.id) for team, domain in due])
        if cursor is None:
            return
