"""Records as tests write them, and as a name server reads them.

A name is absolute and without its final dot; "" is the root. The value of a TXT is the plain text, of any length.
"""

from typing import NamedTuple

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.TXT import TXT

IN = dns.rdataclass.IN
# Nothing may be cached: a change is seen by everybody at once.
TTL = 0


class Record(NamedTuple):
    """`acme.test`, `MX`, `10 mx.acme.test`."""

    name: str
    type: str
    value: str


def absolute(name: str) -> dns.name.Name:
    """The name below the root."""
    return dns.name.from_text(name, origin=dns.name.root)


def rdata(kind: str, value: str) -> dns.rdata.Rdata:
    """A record's data. TXT is cut into strings of 255 octets (RFC 1035 §3.3.14)."""
    if kind == "TXT":
        octets = value.encode()
        strings = [octets[start : start + 255] for start in range(0, len(octets), 255)]
        return TXT(IN, dns.rdatatype.TXT, strings or [b""])
    return dns.rdata.from_text(IN, kind, value, origin=dns.name.root, relativize=False)


def zone_text(apex: str, records: list[Record]) -> str:
    """A zone file. SOA and NS are made up unless `records` has them."""
    own = {record.type for record in records if absolute(record.name) == absolute(apex)}
    made_up = [
        Record(apex, "SOA", "ns.invalid hostmaster.invalid 1 3600 600 86400 0"),
        Record(apex, "NS", "ns.invalid"),
    ]
    lines = [
        f"{absolute(name)} {TTL} IN {kind} {rdata(kind, value)}"
        for name, kind, value in [*(made for made in made_up if made.type not in own), *records]
    ]
    return "\n".join(lines) + "\n"
