"""Enhanced status codes by subject and detail (RFC 3463, RFC 5248 registry, RFC 7505)."""

from __future__ import annotations

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "1.1": "user_unknown",
    "1.2": "host_unknown",
    "1.3": "bad_address",
    "1.6": "moved",
    "1.10": "null_mx",
    "2.1": "mailbox_disabled",
    "2.2": "mailbox_full",
    "2.3": "too_big",
    "3.4": "too_big",
    "4.1": "no_answer",
    "4.2": "bad_connection",
    "4.3": "dns_failure",
    "4.4": "no_route",
    "4.6": "loop",
    "4.7": "expired",
    "5.3": "too_many_recipients",
    "6.7": "smtputf8",
    "7.1": "policy",
    "7.10": "encryption_needed",
    "7.26": "authentication",
    "7.27": "authentication",
    "7.28": "rate_limited",
}

HARD = frozenset({"1.1", "1.2", "1.6", "1.10"})
"""Those that say that the address, or its whole domain, takes no mail and never will."""
