"""The DNS records a domain publishes, and whether what the DNS says is what we asked for.

DKIM: RFC 6376 §3.6.1, SPF: RFC 7208 §4.5, DMARC: RFC 7489 §6.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailit.domain.domains import RecordSpec

MX_PRIORITY = 10


@dataclass(frozen=True, slots=True)
class Publishes:
    """What a domain's records are made of. `dkim`: (selector, TXT value) pairs. `mx`: our host for mail to it."""

    dkim: Sequence[tuple[str, str]]
    return_path: str
    spf: str
    mx: str
    receiving: bool


def records_of(domain: Publishes) -> list[RecordSpec]:
    """All records to publish, those needed for sending first."""
    specs = [
        RecordSpec(f"dkim:{selector}", "DKIM", f"{selector}._domainkey", "TXT", value)
        for selector, value in domain.dkim
    ]
    specs += [
        RecordSpec("spf:mx", "SPF", domain.return_path, "MX", domain.mx, MX_PRIORITY),
        RecordSpec("spf:txt", "SPF", domain.return_path, "TXT", f"v=spf1 {domain.spf} ~all"),
        RecordSpec("dmarc", "DMARC", "_dmarc", "TXT", "v=DMARC1; p=none;", optional=True),
    ]
    if domain.receiving:
        specs.append(RecordSpec("receiving", "Receiving", "@", "MX", domain.mx, MX_PRIORITY))
    return specs


def is_published(spec: RecordSpec, found: Sequence[str]) -> bool:
    """True when the records found (TXT texts, or `<preference> <host>` for MX) serve as the one asked for."""
    if spec.type == "MX":
        return any(record.partition(" ")[2].rstrip(".").lower() == spec.value for record in found)
    if spec.record == "DKIM":
        # RFC 6376 §3.6.2.2: with several key records the result is undefined, so ours has to be the only one.
        return len(found) == 1 and _tags(found[0]).get("p") == _tags(spec.value)["p"]
    if spec.record == "SPF":
        return _spf_covers(spec.value, [record for record in found if _is_spf(record)])
    policies = [record for record in found if record.lower().replace(" ", "").startswith("v=dmarc1")]
    return len(policies) == 1 and _tags(policies[0]).get("p", "").lower() in ("none", "quarantine", "reject")


def _tags(record: str) -> dict[str, str]:
    """`k=v; k=v` as a map, white space removed (RFC 6376 §3.2)."""
    pairs = (part.partition("=") for part in record.split(";") if "=" in part)
    return {name.strip().lower(): "".join(value.split()) for name, _, value in pairs}


def _is_spf(record: str) -> bool:
    return record.lower() == "v=spf1" or record.lower().startswith("v=spf1 ")


def _spf_covers(wanted: str, found: Sequence[str]) -> bool:
    """Exactly one SPF record (RFC 7208 §4.5) that has our mechanisms before its `all`."""
    if len(found) != 1:
        return False
    needed = [term for term in wanted.lower().split()[1:] if not term.endswith("all")]
    terms = [term.removeprefix("+") for term in found[0].lower().split()[1:]]
    ahead = terms[: next((at for at, term in enumerate(terms) if term.lstrip("-~?") == "all"), len(terms))]
    return all(term in ahead for term in needed)
