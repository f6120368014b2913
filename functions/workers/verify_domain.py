"""[domain-checks]: look up a domain's records in the DNS."""

from __future__ import annotations

from collections.abc import Sequence

from mailit.contracts.jobs import VerifyDomainJob
from mailit.stores.queues import DOMAIN_CHECKS
from mailit.usecases.deps import Deps
from mailit.usecases.domains.verify import check
from mailit.work import queue_worker


@queue_worker("verify_domain", queues=(DOMAIN_CHECKS,), slow=(DOMAIN_CHECKS,), model=VerifyDomainJob, batch=1)
def handler(jobs: Sequence[VerifyDomainJob], deps: Deps) -> None:
    """One at a time: each waits for the DNS."""
    for job in jobs:
        check(deps, job)
