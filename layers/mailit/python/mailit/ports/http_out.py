"""Port `HttpOut`: requests to addresses that users name, so guarded against SSRF (security.md §3 lists the cases)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Fetched:
    """A 2xx answer."""

    body: bytes
    content_type: str


class HttpOut(Protocol):
    """Promises: every address of the host is checked and the connection goes to a checked one; https only unless the
    settings allow more; no redirects are followed; a total time and size limit holds while streaming."""

    def fetch(self, url: str, max_bytes: int) -> Fetched:
        """GET. `Refused`: the URL, its address, a 3xx or 4xx answer, too large. `Unavailable`: everything else."""
        ...
