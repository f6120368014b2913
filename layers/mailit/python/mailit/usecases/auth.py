"""Who is calling: from the Authorization header to a `Caller`, or the answer that refuses."""

from __future__ import annotations

from mailit.domain.api_keys import Caller, Permission, Scope, digest, looks_like_token
from mailit.domain.errors import ApiError
from mailit.stores.api_keys import ApiKeys
from mailit.usecases.deps import Deps


def identify(deps: Deps, authorization: str | None, scope: Scope) -> Caller | None:
    """The caller behind `Authorization: Bearer re_…`; None on public routes. Raises 401 in Resend's shape."""
    if scope is Scope.PUBLIC:
        return None
    token = _token(authorization)
    caller = ApiKeys(deps.table).identify(digest(token), deps.clock.now()) if looks_like_token(token) else None
    if caller is None:
        raise ApiError(401, "validation_error", "API key is invalid")
    if scope is Scope.FULL and caller.permission is not Permission.FULL:
        raise ApiError(401, "restricted_api_key", "This API key is restricted to only send emails.")
    return caller


def _token(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ApiError(401, "missing_api_key", "Missing API key in the authorization header.")
    return token.strip()
