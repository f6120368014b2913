"""Look-ups for the MX: cached by TTL, each name asked once at a time, bounded in number and time."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.name

from mailit.engines.net.dns import answer_with, answer_without
from mailit.ports.resolver import Answer, Found

_FLOOR, _CEILING, _NEGATIVE = 10, 3600, 300  # seconds an answer is kept at least, at most, and a no at most
_SIZE = 50_000
_AT_ONCE = 100
_TOTAL = 15.0  # seconds for one look-up with its retries


class AsyncResolver(Protocol):
    """As port `Resolver`, for the event loop: `Unavailable` when no answer could be had."""

    async def look_up(self, name: str, kind: str) -> Answer: ...


class Dns:
    """dnspython on the event loop. `address` (host, port) of the name server; None is the system's."""

    def __init__(self, address: tuple[str, int] | None) -> None:
        self._address = address
        self._resolver: dns.asyncresolver.Resolver | None = None

    def _ready(self) -> dns.asyncresolver.Resolver:
        if self._resolver is None:
            self._resolver = dns.asyncresolver.Resolver(configure=self._address is None)
            if self._address is not None:
                self._resolver.nameservers = [self._address[0]]
                self._resolver.port = self._address[1]
        return self._resolver

    async def look_up(self, name: str, kind: str) -> Answer:
        try:
            absolute = dns.name.from_text(name + ".")
            found = await self._ready().resolve(absolute, kind, search=False, lifetime=_TOTAL)
        except (dns.exception.DNSException, OSError) as error:
            return answer_without(error)
        return answer_with(found)


class Cached:
    """A resolver that remembers. Failures are not kept."""

    def __init__(self, resolver: AsyncResolver) -> None:
        self._resolver = resolver
        self._answers: OrderedDict[tuple[str, str], tuple[float, Answer]] = OrderedDict()
        self._asking: dict[tuple[str, str], asyncio.Task[Answer]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def look_up(self, name: str, kind: str) -> Answer:
        key = (name, kind)
        kept = self._answers.get(key)
        if kept is not None and kept[0] > time.monotonic():
            self._answers.move_to_end(key)
            return kept[1]
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(key))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        # Who gives up waiting must not end the look-up for the others.
        return await asyncio.shield(task)

    async def _ask(self, key: tuple[str, str]) -> Answer:
        async with self._slots:
            answer = await self._resolver.look_up(*key)
        ceiling = _CEILING if answer.found is Found.RECORDS else _NEGATIVE
        ttl = answer.ttl if answer.found is Found.RECORDS else _NEGATIVE // 5
        self._answers[key] = (time.monotonic() + min(max(ttl, _FLOOR), ceiling), answer)
        while len(self._answers) > _SIZE:
            self._answers.popitem(last=False)
        return answer
