"""Internationalised domain names: U-labels to A-labels (RFC 5891, UTS #46 non-transitional)."""

from __future__ import annotations

import idna


def to_a_label(domain: str) -> str:
    """`bücher.example` → `xn--bcher-kva.example`, lower case; ValueError when it is no domain name."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True, transitional=False).decode("ascii").lower()
    except UnicodeError as error:  # idna.IDNAError is one
        raise ValueError(f"not a domain name: {domain!r}") from error
