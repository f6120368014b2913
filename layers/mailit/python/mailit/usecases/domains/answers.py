"""A stored domain as the API shows it."""

from __future__ import annotations

from mailit.contracts.api.domains import Capabilities, DomainAnswer, ListedDomain, Record
from mailit.domain.domains import RecordSpec, RecordStatus
from mailit.domain.records import Publishes, records_of
from mailit.domain.times import postgres_text
from mailit.stores.domains import Domain


def specs_of(domain: Domain) -> list[RecordSpec]:
    """The records the domain has to publish."""
    return records_of(
        Publishes(
            dkim=[(key.selector, key.record) for key in domain.keys],
            return_path=domain.return_path,
            spf=domain.spf,
            mx=domain.mx,
            receiving=domain.receiving,
        )
    )


def shown(domain: Domain) -> DomainAnswer:
    """With its records."""
    return DomainAnswer(
        **listed(domain).model_dump(exclude={"capabilities"}),
        capabilities=_capabilities(domain),
        tls="enforced" if domain.tls == "enforced" else "opportunistic",
        custom_return_path=domain.return_path,
        tracking_subdomain=domain.tracking_subdomain,
        records=[_record(domain, spec) for spec in specs_of(domain)],
    )


def listed(domain: Domain) -> ListedDomain:
    """Without its records."""
    return ListedDomain(
        id=domain.id,
        name=domain.name,
        status=domain.status.value,
        created_at=postgres_text(domain.created_at),
        region=domain.region,
        open_tracking=domain.open_tracking,
        click_tracking=domain.click_tracking,
        capabilities=_capabilities(domain),
    )


def _capabilities(domain: Domain) -> Capabilities:
    return Capabilities(
        sending="enabled" if domain.sending else "disabled", receiving="enabled" if domain.receiving else "disabled"
    )


def _record(domain: Domain, spec: RecordSpec) -> Record:
    return Record(
        record=spec.record,
        name=spec.name,
        type=spec.type,
        status=domain.records.get(spec.key, RecordStatus.NOT_STARTED).value,
        value=spec.value,
        priority=spec.priority,
    )
