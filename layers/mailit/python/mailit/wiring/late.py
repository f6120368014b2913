"""Ports that few functions use, imported when one does: a function's cold start is waited for by somebody."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from mailit.ports.http_out import Fetched, HttpOut
from mailit.ports.resolver import Answer, Resolver
from mailit.wiring.settings import Network


class LateResolver:
    """Port `Resolver`. `server`: address and port, None for the system's own."""

    def __init__(self, server: tuple[str, int] | None) -> None:
        self._server = server

    @cached_property
    def _resolver(self) -> Resolver:
        from mailit.engines.net.dns import DnsResolver

        return DnsResolver(self._server)

    def look_up(self, name: str, kind: str) -> Answer:
        return self._resolver.look_up(name, kind)


class LateHttp:
    """Port `HttpOut`. `allow`: private networks that may be reached."""

    def __init__(self, allow: Sequence[Network]) -> None:
        self._allow = allow

    @cached_property
    def _http(self) -> HttpOut:
        from mailit.engines.net.http_out import GuardedHttp

        return GuardedHttp(allow=self._allow)

    def fetch(self, url: str, max_bytes: int) -> Fetched:
        return self._http.fetch(url, max_bytes)
