"""What a route's handler is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic

from typing_extensions import TypeVar

from mailit.domain.api_keys import Caller
from mailit.domain.errors import MailItError
from mailit.stores.limits import Claim
from mailit.usecases.deps import Deps

Body = TypeVar("Body", default=None)
Query = TypeVar("Query", default=None)


@dataclass(frozen=True, slots=True)
class Call(Generic[Body, Query]):
    """One request, checked: key, scope, limit, path, query and body. Header names are in lower case."""

    deps: Deps
    body: Body
    query: Query
    path: Mapping[str, str]
    headers: Mapping[str, str]
    source_ip: str
    caller: Caller | None = None
    claim: Claim | None = None

    @property
    def who(self) -> Caller:
        """The team and key behind the request; a public route has none."""
        if self.caller is None:
            raise MailItError("a public route has no caller")
        return self.caller
