"""The shim of HTTP functions: `@route(…)` makes a deployable of a handler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from pydantic import BaseModel
from typing_extensions import Unpack

from mailit.domain.api_keys import Rate, Scope
from mailit.http.call import Call
from mailit.http.function import Function
from mailit.http.spec import RouteSpec

__all__ = ["Call", "Function", "RouteSpec", "route"]


class Options(TypedDict, total=False):
    """What most routes leave as it is; see `RouteSpec`."""

    body: type[BaseModel]
    query: type[BaseModel]
    status: int
    idempotent: bool
    max_body: int
    headers: Mapping[str, str]


class Required(TypedDict):
    """What every route says. Without a scope it does not load."""

    id: str
    summary: str
    scope: Scope
    rate: Rate
    answer: type[BaseModel]


class _All(Required, Options):
    pass


def route(
    method: str, path: str, **options: Unpack[_All]
) -> Callable[[Callable[[Call[Any, Any]], BaseModel]], Function]:
    """Declare a route; the handler becomes callable with (event, context)."""
    spec = RouteSpec(method, path, **options)

    def deploy(handler: Callable[[Call[Any, Any]], BaseModel]) -> Function:
        return Function(spec, handler)

    return deploy
