"""A real name server (BIND) with the test's own internet: what no zone holds does not exist."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.update

from tests.parts.dns_faults import Fault, FaultyForwarder
from tests.parts.dns_records import TTL, Record, absolute, rdata, zone_text
from tests.parts.part import Part
from tests.parts.ports import LOOPBACK, free_port
from tests.parts.program import Program, own_folder, require_program

_TIMEOUT = 5.0  # seconds for one exchange

# Recursion only makes BIND follow aliases from zone to zone and say so (RA); every real server is out of bounds.
_CONFIG = """
options {{
    directory "{folder}";
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    lock-file none;
    session-keyfile "{folder}/session.key";
    managed-keys-directory "{folder}";
    recursion yes;
    dnssec-validation no;
    empty-zones-enable no;
    notify no;
    minimal-responses yes;
    check-names primary ignore;
    check-integrity no;
    check-spf ignore;
    max-cache-size 16m;
}};
controls {{ }};
server 0.0.0.0/0 {{ bogus yes; }};
server ::/0 {{ bogus yes; }};
{zones}
"""
_ZONE = 'zone "{apex}" {{ type primary; file "{file}"; allow-update {{ 127.0.0.1; }}; }};\n'

_ALWAYS: Mapping[str, tuple[Record, ...]] = {
    # The root: everything that no other zone holds, and the name server's own address.
    "": (Record("ns.invalid", "A", "127.0.0.1"),),
    "127.in-addr.arpa": (Record("1.0.0.127.in-addr.arpa", "PTR", "localhost"),),
}


class NameServer(Part):
    """Authoritative for `zones` (apex → records, names absolute), the root and 127.in-addr.arpa, on UDP and TCP.

    Records may be set and removed at run time, in any zone and outside of them (then they live in the root zone). A
    change has taken effect when the call returns; the TTL of everything is 0. `port` is where to ask; it listens on
    127.0.0.1.
    """

    def __init__(self, zones: Mapping[str, Iterable[tuple[str, str, str]]]) -> None:
        program = require_program("named")
        merged = {
            apex: [*_ALWAYS.get(apex, ()), *(Record(*record) for record in zones.get(apex, ()))]
            for apex in {**_ALWAYS, **zones}
        }
        self._apexes = sorted(merged, key=len, reverse=True)
        self.folder = own_folder("dns")
        self._backend = free_port()
        _write_files(self.folder, self._backend, merged)
        # AppArmor, where it is on, keeps /usr/sbin/named to the system's own folders; a copy it leaves alone.
        copy = str(shutil.copy(program, self.folder / "named"))
        self._program = Program([copy, "-g", "-4", "-n", "1", "-c", str(self.folder / "named.conf")], self.folder)
        try:
            self._program.wait_until(self._answers)
            self._front = FaultyForwarder(self._backend)
        except BaseException:
            self._program.close()
            shutil.rmtree(self.folder)
            raise
        self.port = self._front.port

    def close(self) -> None:
        """End it and remove its folder."""
        self._front.close()
        self._program.close()
        shutil.rmtree(self.folder)

    @property
    def address(self) -> str:
        """`127.0.0.1:port`, as settings want it."""
        return f"{LOOPBACK}:{self.port}"

    def resolver(self) -> dns.resolver.Resolver:
        """dnspython's, pointed here."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [LOOPBACK]
        resolver.port = self.port
        resolver.lifetime = _TIMEOUT
        return resolver

    def set(self, name: str, kind: str, values: Iterable[str]) -> None:
        """Publish exactly `values` for name and type. ValueError when the server cannot hold them (as an alias beside
        other records)."""
        wanted = frozenset(rdata(kind, value) for value in values)
        update = self._update(name)
        update.delete(absolute(name), kind)
        for data in wanted:
            update.add(absolute(name), TTL, data)
        self._send(update)
        # RFC 2136 §3.4.2.2: what would put a CNAME beside other data is passed over in silence.
        if self._published(name, kind) != wanted:
            raise ValueError(f"{name} cannot hold {kind} {sorted(map(str, wanted))}")

    def remove(self, name: str, kind: str | None = None) -> None:
        """Take back the records of the type, or all of the name. Nothing to remove is no error."""
        update = self._update(name)
        if kind is None:
            update.delete(absolute(name))
        else:
            update.delete(absolute(name), kind)
        self._send(update)

    def fail(self, name: str) -> None:
        """From now on SERVFAIL for exactly this name, whatever the type."""
        self._front.set_fault(name, Fault.SERVFAIL)

    def silence(self, name: str) -> None:
        """From now on no answer for exactly this name."""
        self._front.set_fault(name, Fault.SILENCE)

    def heal(self, name: str) -> None:
        """The truth again, after `fail` or `silence`."""
        self._front.set_fault(name, None)

    def asked(self) -> list[tuple[str, str]]:
        """(name, type) of every query so far, in order."""
        return self._front.asked()

    def _answers(self) -> bool:
        query = dns.message.make_query(dns.name.root, "SOA")
        try:
            return dns.query.tcp(query, LOOPBACK, _TIMEOUT, port=self._backend).rcode() == dns.rcode.NOERROR
        except (OSError, EOFError, dns.exception.Timeout):
            return False

    def _update(self, name: str) -> dns.update.UpdateMessage:
        wanted = absolute(name)
        apex = next(apex for apex in self._apexes if wanted.is_subdomain(absolute(apex)))
        return dns.update.UpdateMessage(absolute(apex))

    def _send(self, update: dns.update.UpdateMessage) -> None:
        # The answer comes after the change is in force.
        answer = dns.query.tcp(update, LOOPBACK, _TIMEOUT, port=self._backend)
        if answer.rcode() != dns.rcode.NOERROR:
            raise ValueError(f"the name server refused the change: {dns.rcode.to_text(answer.rcode())}")

    def _published(self, name: str, kind: str) -> frozenset[object]:
        query = dns.message.make_query(absolute(name), kind)
        answer = dns.query.tcp(query, LOOPBACK, _TIMEOUT, port=self._backend)
        found = answer.get_rrset(answer.answer, absolute(name), query.question[0].rdclass, query.question[0].rdtype)
        return frozenset(found or ())


def _write_files(folder: Path, port: int, zones: Mapping[str, list[Record]]) -> None:
    stanzas = []
    for apex, records in zones.items():
        file = f"{apex or 'root'}.zone"
        (folder / file).write_text(zone_text(apex, records))
        stanzas.append(_ZONE.format(apex=absolute(apex), file=file))
    (folder / "named.conf").write_text(_CONFIG.format(folder=folder, port=port, zones="".join(stanzas)))
