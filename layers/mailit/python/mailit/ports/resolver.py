"""Port `Resolver`: DNS look-ups whose failures are told apart (RFC 5321 §5.1 needs that)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Found(StrEnum):
    """What the DNS said. SERVFAIL, REFUSED and timeouts are not answers: they raise `Unavailable`."""

    RECORDS = "records"
    NO_DATA = "no_data"  # the name exists, not with this type
    NO_NAME = "no_name"  # NXDOMAIN


@dataclass(frozen=True, slots=True)
class Answer:
    """`records` as text: TXT strings joined without spaces, MX as `<preference> <host>`, names in lower case without
    the final dot (the root is `.`), addresses as they are. `ttl` in seconds. `name` is where CNAMEs led."""

    found: Found
    records: tuple[str, ...] = ()
    ttl: int = 0
    name: str = ""


class Resolver(Protocol):
    """Raises `Unavailable` when no answer could be had."""

    def look_up(self, name: str, kind: str) -> Answer:
        """`kind`: TXT, MX, A, AAAA, CNAME, PTR. `name` is an A-label name without the final dot."""
        ...
