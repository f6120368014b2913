"""Internationalised domain names: U-labels to A-labels (RFC 5891, UTS #46 non-transitional)."""

from __future__ import annotations

import idna

from mailit.domain.domains import is_domain_name


def to_a_label(domain: str) -> str:
    """`bücher.example` → `xn--bcher-kva.example`, lower case; ValueError when it is no domain name."""
    if domain.isascii():
        return domain.lower()
    try:
        label = idna.encode(domain, uts46=True, transitional=False).decode("ascii").lower()
    except UnicodeError as error:  # idna.IDNAError is one
        raise ValueError(f"not a domain name: {domain!r}") from error
    # The mapping makes a `1` of a `①` and a dot of a `。`: what came out may be an address, or end in a dot.
    if not is_domain_name(label):
        raise ValueError(f"not a domain name: {domain!r}")
    return label
