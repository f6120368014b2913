"""Teams and users. Rows `team#<id>` / `team` and `/ member#<user>`; the look-up `user#<email>` / `user` comes before
a team is known. Passwords are kept as scrypt hashes (RFC 7914).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass

from mailit.domain.errors import ConditionFailed
from mailit.domain.times import Micros
from mailit.ports.table import Key, Put, Table
from mailit.stores.rows import text
from mailit.stores.tables import ACCOUNTS

_N, _R, _P = 2**15, 8, 1
_MEMORY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who signs in."""

    id: str
    email: str
    team: str
    password_hash: str


def hash_password(password: str) -> str:
    """`scrypt$<salt>$<hash>`, both in hex."""
    salt = os.urandom(16)
    return f"scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


def check_password(password: str, stored: str) -> bool:
    """True when the password is the one that was hashed; constant time."""
    _, salt, expected = stored.split("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), expected)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=_N, r=_R, p=_P, maxmem=_MEMORY)


class Accounts:
    """Teams and users."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, team: str, name: str, owner: User, now: Micros) -> bool:
        """Make a team with its owner; False when the owner's address has an account."""
        user = {"id": owner.id, "email": owner.email, "team": team, "password_hash": owner.password_hash}
        try:
            self._table.put(Put(Key(ACCOUNTS, f"user#{owner.email}", "user"), user, only_if_absent=True))
        except ConditionFailed:
            return False
        rows = [
            Put(Key(ACCOUNTS, f"team#{team}", "team"), {"id": team, "name": name, "created_at": now}),
            Put(Key(ACCOUNTS, f"team#{team}", f"member#{owner.id}"), {"email": owner.email, "role": "owner"}),
        ]
        self._table.put_many(rows)
        return True

    def user(self, email: str) -> User | None:
        """The account of an address (lower case)."""
        row = self._table.get(Key(ACCOUNTS, f"user#{email}", "user"))
        if row is None:
            return None
        return User(text(row, "id"), text(row, "email"), text(row, "team"), text(row, "password_hash"))
