"""Sending domains: names, records, and how record states make the domain's state (contract §3).

not_started ──verify──> pending ──> verified | partially_verified | failed
verified ──records vanish──> partially_failed | failed ──come back──> verified
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mailit.domain.times import DAY, HOUR, MINUTE, Micros


class DomainStatus(StrEnum):
    """State of a domain."""

    NOT_STARTED = "not_started"
    PENDING = "pending"
    VERIFIED = "verified"
    PARTIALLY_VERIFIED = "partially_verified"
    PARTIALLY_FAILED = "partially_failed"
    FAILED = "failed"


class RecordStatus(StrEnum):
    """State of one DNS record."""

    NOT_STARTED = "not_started"
    PENDING = "pending"
    VERIFIED = "verified"
    FAILED = "failed"
    TEMPORARY_FAILURE = "temporary_failure"


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """A record to publish. `key` names it in storage; `name` is relative to the domain, `@` is the domain itself.
    An optional record is advice: the domain is verified without it."""

    key: str
    record: str  # DKIM, SPF, DMARC, Receiving
    name: str
    type: str  # TXT, MX
    value: str
    priority: int | None = None
    optional: bool = False

    def host(self, domain: str) -> str:
        """The full name to look up."""
        return domain if self.name == "@" else f"{self.name}.{domain}"


_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_HOST_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")

PENDING_FOR: Micros = 3 * DAY
"""How long records may be missing before a domain has failed."""


def is_domain_name(name: str) -> bool:
    """True for a lower-case A-label name with at least two labels whose last is no number (RFC 1123 §2.1)."""
    labels = name.split(".")
    return (
        len(name) <= 253
        and len(labels) >= 2
        and all(_HOST_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdecimal()
    )


def is_label(text: str) -> bool:
    """True for one label of a name below a domain."""
    return _LABEL.fullmatch(text) is not None


def judge(required: Iterable[RecordStatus], was: DomainStatus, waiting: Micros) -> DomainStatus:
    """The domain's state from its required records' states, its state before and how long it has been waiting."""
    states = list(required)
    good = sum(state is RecordStatus.VERIFIED for state in states)
    if good == len(states):
        return DomainStatus.VERIFIED
    if was in (DomainStatus.VERIFIED, DomainStatus.PARTIALLY_FAILED):
        return DomainStatus.PARTIALLY_FAILED if good else DomainStatus.FAILED
    if good:
        return DomainStatus.PARTIALLY_VERIFIED
    return DomainStatus.FAILED if waiting >= PENDING_FOR else DomainStatus.PENDING


def missing_record(was: RecordStatus, waiting: Micros) -> RecordStatus:
    """The state of a record that is not there: one that was there has failed, a new one gets time."""
    if was in (RecordStatus.VERIFIED, RecordStatus.FAILED) or waiting >= PENDING_FOR:
        return RecordStatus.FAILED
    return RecordStatus.PENDING


def next_check(status: DomainStatus, waiting: Micros) -> Micros | None:
    """The pause until a domain is looked at again by itself; None when its owner has to ask."""
    if status is DomainStatus.VERIFIED:
        return DAY
    if status is DomainStatus.NOT_STARTED or waiting >= PENDING_FOR:
        return None if status in (DomainStatus.NOT_STARTED, DomainStatus.FAILED) else DAY
    return 15 * MINUTE if waiting < 6 * HOUR else HOUR


# Sending goes on while the records of a verified domain are in doubt: a DNS hiccup must not stop mail.
MAY_SEND = frozenset({DomainStatus.VERIFIED, DomainStatus.PARTIALLY_FAILED})
