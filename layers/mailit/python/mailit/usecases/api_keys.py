"""`/api-keys`: create, list, rename, remove."""

from __future__ import annotations

from mailit.contracts.api.api_keys import CreateApiKey, CreatedApiKey, ListedApiKey, UpdateApiKey
from mailit.contracts.api.base import Deleted, ListAnswer, ListQuery, Named
from mailit.domain.api_keys import Caller, Permission, digest, new_token
from mailit.domain.errors import invalid, not_found
from mailit.domain.ids import is_uuid
from mailit.domain.times import postgres_text
from mailit.ports.table import Query
from mailit.stores.api_keys import ApiKey, ApiKeys
from mailit.stores.domains import Domains
from mailit.stores.listing import Window, newest_first
from mailit.stores.tables import API_KEYS
from mailit.usecases.deps import Deps


def create(deps: Deps, caller: Caller, request: CreateApiKey) -> CreatedApiKey:
    """Make a key; its token is in this answer and nowhere else."""
    _check_domain(deps, caller, request)
    now, token = deps.clock.now(), new_token()
    key = ApiKey(
        id=deps.ids.new(now),
        name=request.name,
        permission=Permission(request.permission),
        domain_id=request.domain_id,
        created_at=now,
        last_used_at=None,
        digest=digest(token),
    )
    ApiKeys(deps.table).add(caller.team, key)
    return CreatedApiKey(id=key.id, token=token)


def _check_domain(deps: Deps, caller: Caller, request: CreateApiKey) -> None:
    if request.domain_id is None:
        return
    if Permission(request.permission) is not Permission.SENDING:
        raise invalid("Invalid `domain_id` field. A domain can only be set with the `sending_access` permission.")
    if not is_uuid(request.domain_id) or Domains(deps.table).get(caller.team, request.domain_id) is None:
        raise not_found("Domain")


def list_keys(deps: Deps, caller: Caller, query: ListQuery) -> ListAnswer[ListedApiKey]:
    """Newest first; all of them unless a limit is given."""
    store = ApiKeys(deps.table)
    page = newest_first(
        lambda wanted: store.page(caller.team, wanted),
        Query(API_KEYS, caller.team),
        Window(query.limit, query.after, query.before),
    )
    return ListAnswer(has_more=page.has_more, data=[_listed(key) for key in page.items])


def _listed(key: ApiKey) -> ListedApiKey:
    return ListedApiKey(
        id=key.id,
        name=key.name,
        created_at=postgres_text(key.created_at),
        last_used_at=postgres_text(key.last_used_at) if key.last_used_at is not None else None,
    )


def update(deps: Deps, caller: Caller, key_id: str, request: UpdateApiKey) -> Named:
    """Rename a key."""
    if not ApiKeys(deps.table).rename(caller.team, key_id, request.name):
        raise not_found("API key")
    return Named(object="api_key", id=key_id)


def remove(deps: Deps, caller: Caller, key_id: str) -> Deleted:
    """Remove a key; it stops working at once."""
    if not ApiKeys(deps.table).remove(caller.team, key_id):
        raise not_found("API key")
    return Deleted(object="api_key", id=key_id)
