"""From a recipient's domain to the hosts to try, in order (RFC 5321 §5.1, RFC 7505)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

from edge.outbound.failures import Failure
from edge.outbound.resolver import AsyncResolver
from edge.outbound.session import Target
from mailit.domain.errors import Refused, Unavailable
from mailit.domain.networks import may_connect
from mailit.ports.resolver import Answer, Found

MAX_ADDRESSES = 5  # tried in one attempt
_MAX_HOSTS = 20


@dataclass(frozen=True, slots=True)
class Lab:
    """What differs from the public internet: networks that may be connected to though not public, and the port."""

    allow: tuple[IPv4Network | IPv6Network, ...]
    port: int


class Router:
    """Finds the targets of a domain. `own`: our host name, never a next hop for mail we relay."""

    def __init__(self, resolver: AsyncResolver, own: str, lab: Lab, chance: random.Random) -> None:
        self._resolver = resolver
        self._own = own
        self._lab = lab
        self._chance = chance

    async def targets(self, domain: str) -> list[Target]:
        """At most MAX_ADDRESSES, best first. A `Failure` with a 5xx code says never, another one says not now."""
        hosts = await self._hosts(domain)
        targets: list[Target] = []
        trouble: Failure | None = None
        for host in hosts[:_MAX_HOSTS]:
            try:
                targets += await self._addresses(host)
            except Failure as error:
                trouble = _graver(trouble, error)
            if len(targets) >= MAX_ADDRESSES:
                break
        if not targets:
            raise trouble or Failure("dns", f"no mail host of {domain} has an address", 0, "4.4.4")
        return targets[:MAX_ADDRESSES]

    async def _hosts(self, domain: str) -> list[str]:
        """Host names in the order to try: by preference, equal ones shuffled."""
        answer = await self._ask(domain, "MX")
        if answer.found is Found.NO_NAME:
            raise Failure("dns", f"the domain {domain} does not exist", 550, "5.1.2")
        if answer.found is Found.NO_DATA:
            return [domain]  # the implicit MX, and only when the DNS said that there is no other
        pairs = [_mx(record) for record in answer.records]
        if pairs == [(0, ".")] or all(host == "." for _, host in pairs):
            raise Failure("dns", f"the domain {domain} does not accept mail (null MX)", 556, "5.1.10")
        return self._order([pair for pair in pairs if pair[1] != "."], domain)

    def _order(self, pairs: list[tuple[int, str]], domain: str) -> list[str]:
        ours = [preference for preference, host in pairs if host == self._own]
        if ours:
            # We are a mail host of this domain: only better ones may be tried, or mail loops.
            pairs = [pair for pair in pairs if pair[0] < min(ours)]
        if not pairs:
            raise Failure("dns", f"mail for {domain} loops back to this host", 550, "5.4.6")
        self._chance.shuffle(pairs)
        return [host for _, host in sorted(pairs, key=lambda pair: pair[0])]

    async def _addresses(self, host: str) -> list[Target]:
        """All addresses of a host, IPv6 and IPv4 in turn, so that one broken family does not use up the tries."""
        found = [await self._family(host, kind) for kind in ("AAAA", "A")]
        answers = [item for item in found if isinstance(item, Answer)]
        six, four = (list(item.records) if isinstance(item, Answer) else [] for item in found)
        if not six and not four:
            unavailable = [item for item in found if isinstance(item, Failure)]
            gone = len(answers) == 2 and all(item.found is Found.NO_NAME for item in answers)
            if unavailable:
                raise unavailable[0]
            raise Failure("dns", f"the mail host {host} has no address", 550 if gone else 0, f"{5 if gone else 4}.4.4")
        mixed = [address for pair in zip(six, four, strict=False) for address in pair]
        mixed += six[len(four) :] + four[len(six) :]
        return self._allowed(host, mixed)

    def _allowed(self, host: str, addresses: Sequence[str]) -> list[Target]:
        allowed = [text for text in addresses if may_connect(ip_address(text), self._lab.allow)]
        if not allowed:
            raise Failure("dns", f"the mail host {host} has no public address", 550, "5.4.6")
        return [Target(host, text, self._lab.port) for text in allowed]

    async def _family(self, host: str, kind: str) -> Answer | Failure:
        try:
            return await self._ask(host, kind)
        except Failure as error:
            return error

    async def _ask(self, name: str, kind: str) -> Answer:
        """One look-up; the resolver follows CNAMEs, at the domain and at the hosts."""
        try:
            return await self._resolver.look_up(name, kind)
        except Refused as error:
            raise Failure("dns", f"{name} is not a domain name", 550, "5.1.2") from error
        except Unavailable as error:
            raise Failure("dns", f"no answer about {name}: {error}", 0, "4.4.3") from error


def _mx(record: str) -> tuple[int, str]:
    preference, _, host = record.partition(" ")
    return int(preference), host


def _graver(one: Failure | None, other: Failure) -> Failure:
    """The one to report: a transient trouble, since then not all is lost."""
    if one is None or one.code >= 500:
        return other
    return one
