"""The first run: an account, its team, an API key and, in sandbox mode, a verified domain to send from."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from mailit.contracts.api.domains import CreateDomain
from mailit.domain.api_keys import Permission, digest, new_token
from mailit.domain.domains import DomainStatus, RecordStatus
from mailit.domain.times import Micros
from mailit.stores.accounts import Accounts, User, hash_password
from mailit.stores.api_keys import ApiKey, ApiKeys
from mailit.stores.domains import Domain, Domains
from mailit.stores.suppressions import Origin, Suppression, Suppressions
from mailit.usecases.deps import Deps
from mailit.usecases.domains import answers, manage

ADMIN = "admin@localhost"
SANDBOX_DOMAIN = "resend.dev"
"""Of the SDKs' quick starts: `onboarding@resend.dev` sends, `delivered@resend.dev` and its like receive."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """What to show once. `password` None: the account was there already. `key`: a new full-access API key."""

    email: str
    password: str | None
    key: str


def seed(deps: Deps) -> Seeded:
    """Make what is missing; safe to call again after a crash anywhere in between."""
    team, password = _account(deps)
    if deps.options.sandbox:
        _sandbox_domain(deps, team)
    return Seeded(ADMIN, password, _key(deps, team))


def _account(deps: Deps) -> tuple[str, str | None]:
    accounts, now = Accounts(deps.table), deps.clock.now()
    known = accounts.user(ADMIN)
    if known is not None:
        return known.team, None
    team, password = deps.ids.new(now), secrets.token_urlsafe(18)
    accounts.add(team, "Default", User(deps.ids.new(now), ADMIN, team, hash_password(password)), now)
    return team, password


def _key(deps: Deps, team: str) -> str:
    now, token = deps.clock.now(), new_token()
    key = ApiKey(deps.ids.new(now), "First key", Permission.FULL, None, now, None, digest(token))
    ApiKeys(deps.table).add(team, key)
    return token


def _sandbox_domain(deps: Deps, team: str) -> None:
    store, now = Domains(deps.table), deps.clock.now()
    if store.by_name(team, SANDBOX_DOMAIN) is None:
        store.add(team, _verified(deps, team, now))
    lists = Suppressions(deps.table)
    address = f"suppressed@{SANDBOX_DOMAIN}"
    if not lists.find(team, [address]):
        deps.table.put(lists.add(team, Suppression(deps.ids.new(now), address, Origin.MANUAL, None, now)))


def _verified(deps: Deps, team: str, now: Micros) -> Domain:
    domain = manage.new_domain(deps, team, CreateDomain(name=SANDBOX_DOMAIN))
    records = {spec.key: RecordStatus.VERIFIED for spec in answers.specs_of(domain)}
    return replace(domain, status=DomainStatus.VERIFIED, records=records, started_at=now)
