"""What a route says of itself: the one source for `openapi.yaml`, the gateway and the deployment files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from mailit.domain.api_keys import Rate, Scope

MAX_BODY = 10 * 1024 * 1024
"""Bytes of a request body, unless a route allows more."""

_PARAMETER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """`id` is the operation id and the path of the function's file: `emails/send-batch` → `emails/send_batch.py`.
    `headers`: request headers with a meaning, and what it is."""

    method: str
    path: str
    id: str
    summary: str
    scope: Scope
    rate: Rate
    answer: type[BaseModel]
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    idempotent: bool = False
    max_body: int = MAX_BODY
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> list[str]:
        """Names of the path parameters, in order."""
        return _PARAMETER.findall(self.path)

    @property
    def ids(self) -> list[str]:
        """Path parameters that have to be UUIDs."""
        return [name for name in self.parameters if name.endswith("_id")]
