"""API keys. Two rows each: `hash#<sha256>` is the look-up that comes before a team is known, `team` lists them.

The look-up row is written last and deleted first: a key that is being made cannot be used yet, a key that is being
removed cannot be used any more.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailit.domain.api_keys import Caller, Permission
from mailit.domain.errors import ConditionFailed
from mailit.domain.times import MINUTE, Micros
from mailit.ports.table import Absent, Delete, Equals, Key, Less, Put, Query, Row, Table, Update
from mailit.stores.rows import integer, optional_integer, optional_text, text
from mailit.stores.tables import API_KEYS

_MARK_EVERY: Micros = MINUTE  # last use is kept to the minute: one write a minute, not one a request


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as listed; its token is not kept."""

    id: str
    name: str
    permission: Permission
    domain_id: str | None
    created_at: Micros
    last_used_at: Micros | None
    digest: str


def _look_up_key(digest: str) -> Key:
    return Key(API_KEYS, f"hash#{digest}", "key")


class ApiKeys:
    """The keys of all teams; every method but `identify` takes the team first."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def identify(self, digest: str, now: Micros) -> Caller | None:
        """Who holds the token with this digest; marks its use."""
        row = self._table.get(_look_up_key(digest))
        if row is None:
            return None
        self._mark_used(row, now)
        return Caller(
            text(row, "team"), text(row, "key_id"), Permission(text(row, "permission")), optional_text(row, "domain_id")
        )

    def _mark_used(self, row: Row, now: Micros) -> None:
        last = optional_integer(row, "last_used_at") or 0
        if now - last < _MARK_EVERY:
            return
        seen = Less("last_used_at", now) if last else Absent("last_used_at")
        key = Key(API_KEYS, text(row, "pk"), text(row, "sk"))
        try:
            # The digest guards against making the row anew when the key is removed just now.
            alive = Equals("key_id", text(row, "key_id"))
            self._table.update(Update(key, set={"last_used_at": now}, when=(alive, seen), durable=False))
        except ConditionFailed:
            return  # another request marked it, or the key is gone

    def add(self, team: str, key: ApiKey) -> None:
        """Store a new key."""
        listed = {
            "id": key.id,
            "name": key.name,
            "permission": key.permission.value,
            "domain_id": key.domain_id,
            "created_at": key.created_at,
            "digest": key.digest,
        }
        look_up = {
            "team": team,
            "key_id": key.id,
            "permission": key.permission.value,
            "domain_id": key.domain_id,
        }
        self._table.put(Put(Key(API_KEYS, team, key.id), listed))
        self._table.put(Put(_look_up_key(key.digest), look_up))

    def page(self, team: str, query: Query) -> list[ApiKey]:
        """The keys that `query` (on the team's partition) finds, with their last use."""
        rows = self._table.query(query).rows
        used = self._table.get_many([_look_up_key(text(row, "digest")) for row in rows])
        return [self._read(row, used.get(_look_up_key(text(row, "digest")))) for row in rows]

    @staticmethod
    def _read(row: Row, look_up: Row | None) -> ApiKey:
        return ApiKey(
            id=text(row, "id"),
            name=text(row, "name"),
            permission=Permission(text(row, "permission")),
            domain_id=optional_text(row, "domain_id"),
            created_at=integer(row, "created_at"),
            last_used_at=optional_integer(look_up, "last_used_at") if look_up else None,
            digest=text(row, "digest"),
        )

    def rename(self, team: str, key_id: str, name: str) -> bool:
        """False when the team has no such key."""
        try:
            self._table.update(Update(Key(API_KEYS, team, key_id), set={"name": name}, when=(Equals("id", key_id),)))
        except ConditionFailed:
            return False
        return True

    def remove(self, team: str, key_id: str) -> bool:
        """False when the team has no such key. The token stops working before this returns."""
        row = self._table.get(Key(API_KEYS, team, key_id))
        if row is None:
            return False
        self._table.delete(Delete(_look_up_key(text(row, "digest"))))
        self._table.delete(Delete(Key(API_KEYS, team, key_id)))
        return True
