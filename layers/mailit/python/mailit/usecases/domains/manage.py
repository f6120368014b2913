"""`/domains`: create, list, get, update, remove."""

from __future__ import annotations

from mailit.contracts.api.base import Deleted, ListAnswer, ListQuery, Named
from mailit.contracts.api.domains import CapabilitiesChange, CreateDomain, DomainAnswer, ListedDomain, UpdateDomain
from mailit.dkim.keys import generate
from mailit.dkim.vault import seal
from mailit.domain.api_keys import Caller
from mailit.domain.domains import DomainStatus, is_domain_name, is_label
from mailit.domain.errors import ApiError, forbidden, invalid, not_found
from mailit.mime.idn import to_a_label
from mailit.ports.table import Value
from mailit.stores.domains import DkimKey, Domain, Domains, vault_context
from mailit.stores.listing import Window
from mailit.usecases.deps import Deps
from mailit.usecases.domains.answers import listed, shown

RSA_SELECTOR = "mailit"
ED25519_SELECTOR = "mailit-ed25519"


def create(deps: Deps, caller: Caller, request: CreateDomain) -> DomainAnswer:
    """Register a domain, make its keys, and say which records to publish."""
    domain = new_domain(deps, caller.team, request)
    if not Domains(deps.table).add(caller.team, domain):
        raise forbidden(f"The `{domain.name}` domain has been registered already.")
    return shown(domain)


def new_domain(deps: Deps, team: str, request: CreateDomain) -> Domain:
    """The domain that `request` describes, with fresh keys; not stored yet."""
    name = _domain_name(request.name)
    sending, receiving = _capabilities(request.capabilities, sending=True, receiving=False)
    now = deps.clock.now()
    domain_id = deps.ids.new(now)
    return Domain(
        id=domain_id,
        name=name,
        created_at=now,
        region=request.region,
        status=DomainStatus.NOT_STARTED,
        return_path=_label(request.custom_return_path, "custom_return_path"),
        spf=deps.options.spf,
        mx=deps.options.hostname,
        open_tracking=request.open_tracking,
        click_tracking=request.click_tracking,
        tracking_subdomain=_tracking(request.tracking_subdomain),
        tls=request.tls,
        sending=sending,
        receiving=receiving,
        keys=_new_keys(deps, team, domain_id),
        records={},
        started_at=None,
    )


def _new_keys(deps: Deps, team: str, domain_id: str) -> tuple[DkimKey, ...]:
    made = generate()
    return tuple(
        DkimKey(
            selector=selector,
            algorithm=key.algorithm,
            record=key.record,
            sealed=seal(deps.master_key, key.private_der, vault_context(team, domain_id, selector)),
        )
        for selector, key in ((RSA_SELECTOR, made.rsa), (ED25519_SELECTOR, made.ed25519))
    )


def _domain_name(text: str) -> str:
    try:
        name = to_a_label(text.strip().rstrip("."))
    except ValueError:
        name = ""
    if not is_domain_name(name):
        raise invalid("Invalid `name` field. The domain needs to follow the `example.com` format.")
    return name


def _label(text: str, field: str) -> str:
    label = text.strip().lower()
    if not is_label(label):
        raise invalid(f"Invalid `{field}` field. It must be a single label such as `send`.")
    return label


def _tracking(text: str | None) -> str | None:
    return _label(text, "tracking_subdomain") if text else None


def _capabilities(change: CapabilitiesChange | None, *, sending: bool, receiving: bool) -> tuple[bool, bool]:
    if change is not None:
        sending = sending if change.sending is None else change.sending == "enabled"
        receiving = receiving if change.receiving is None else change.receiving == "enabled"
    if not sending and not receiving:
        raise invalid("Invalid `capabilities` field. At least one capability must be enabled.")
    return sending, receiving


def list_domains(deps: Deps, caller: Caller, query: ListQuery) -> ListAnswer[ListedDomain]:
    """Newest first; all of them unless a limit is given."""
    page = Domains(deps.table).page(caller.team, Window(query.limit, query.after, query.before))
    return ListAnswer(has_more=page.has_more, data=[listed(domain) for domain in page.items])


def get(deps: Deps, caller: Caller, domain_id: str) -> DomainAnswer:
    """One domain with its records."""
    return shown(_find(deps, caller, domain_id))


def _find(deps: Deps, caller: Caller, domain_id: str) -> Domain:
    domain = Domains(deps.table).get(caller.team, domain_id)
    if domain is None:
        raise not_found("Domain")
    return domain


def update(deps: Deps, caller: Caller, domain_id: str, request: UpdateDomain) -> Named:
    """Change settings; what is absent stays."""
    domain = _find(deps, caller, domain_id)
    sending, receiving = _capabilities(request.capabilities, sending=domain.sending, receiving=domain.receiving)
    fields: dict[str, Value] = {"sending": sending, "receiving": receiving}
    for name in ("open_tracking", "click_tracking", "tls"):
        value = getattr(request, name)
        if value is not None:
            fields[name] = value
    if request.tracking_subdomain is not None:
        fields["tracking_subdomain"] = _tracking(request.tracking_subdomain)
    if not Domains(deps.table).change(caller.team, domain_id, fields):
        raise not_found("Domain")
    return Named(object="domain", id=domain_id)


def remove(deps: Deps, caller: Caller, domain_id: str) -> Deleted:
    """Remove a domain: nothing more can be sent from it, and its name is free."""
    if not Domains(deps.table).remove(caller.team, domain_id):
        raise not_found("Domain")
    return Deleted(object="domain", id=domain_id)


def locked() -> ApiError:
    """409: somebody else is changing it right now."""
    return ApiError(409, "resource_locked", "Another request is already updating this resource.")
