"""Port `Resolver` with dnspython."""

from __future__ import annotations

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from mailit.domain.errors import Refused, Unavailable
from mailit.ports.resolver import Answer, Found

_TOTAL = 5.0  # seconds for one look-up with its retries


class DnsResolver:
    """`address` (host, port) of the name server to ask; None is what the system is configured with."""

    def __init__(self, address: tuple[str, int] | None) -> None:
        self._address = address
        self._resolver: dns.resolver.Resolver | None = None

    def _ready(self) -> dns.resolver.Resolver:
        if self._resolver is None:
            self._resolver = _configure(self._address)
        return self._resolver

    def look_up(self, name: str, kind: str) -> Answer:
        try:
            absolute = dns.name.from_text(name + ".")
            found = self._ready().resolve(absolute, kind, search=False, tcp=False, lifetime=_TOTAL)
        except (dns.exception.DNSException, OSError) as error:
            return answer_without(error)
        return answer_with(found)


def answer_without(error: Exception) -> Answer:
    """What a look-up that found nothing says: no such name, no such record; or it raises."""
    if isinstance(error, dns.resolver.NXDOMAIN):
        return Answer(Found.NO_NAME)
    if isinstance(error, dns.resolver.NoAnswer):
        return Answer(Found.NO_DATA)
    if isinstance(error, (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel)):
        raise Refused("not a domain name") from error
    raise Unavailable(f"DNS: {type(error).__name__}") from error


def answer_with(found: dns.resolver.Answer) -> Answer:
    """What a look-up found."""
    rrset = found.rrset
    assert rrset is not None
    records = tuple(record_text(record) for record in rrset)
    return Answer(Found.RECORDS, records, rrset.ttl, host_text(found.canonical_name))


def _configure(address: tuple[str, int] | None) -> dns.resolver.Resolver:
    if address is None:
        return dns.resolver.Resolver()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [address[0]]
    resolver.port = address[1]
    return resolver


def record_text(record: object) -> str:
    """A record's data as the port describes it."""
    if isinstance(record, TXT):
        return b"".join(record.strings).decode("utf-8", "replace")
    if isinstance(record, MX):
        return f"{record.preference} {host_text(record.exchange)}"
    target = getattr(record, "target", None)
    return host_text(target) if isinstance(target, dns.name.Name) else str(record)


def host_text(name: dns.name.Name) -> str:
    """A name in lower case without the final dot; the root is `.`."""
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else "."
