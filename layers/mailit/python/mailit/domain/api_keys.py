"""Who calls, and what a key allows."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from dataclasses import dataclass
from enum import StrEnum

_ALPHABET = string.ascii_letters + string.digits
_TOKEN = re.compile(r"re_[A-Za-z0-9_]{8,120}")


class Permission(StrEnum):
    """What a key may do."""

    FULL = "full_access"
    SENDING = "sending_access"


class Scope(StrEnum):
    """What a route asks of the key that calls it. A route without a scope does not load."""

    PUBLIC = "public"  # no key at all
    SENDING = "sending"  # any active key
    FULL = "full"  # a full-access key


class Rate(StrEnum):
    """The class of limit a route counts against."""

    NONE = "none"
    DEFAULT = "default"
    SEND = "send"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Caller:
    """The team behind a request, and the key it used."""

    team: str
    key_id: str
    permission: Permission
    domain_id: str | None = None  # a sending key may be bound to one domain


def new_token() -> str:
    """A fresh key `re_<8>_<24>`: 190 bits of randomness, the form of the live API."""
    part = "".join(secrets.choice(_ALPHABET) for _ in range(32))
    return f"re_{part[:8]}_{part[8:]}"


def looks_like_token(text: str) -> bool:
    """True when it is worth a look-up."""
    return _TOKEN.fullmatch(text) is not None


def digest(token: str) -> str:
    """SHA-256 as hex. The token has too much entropy to need a slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
