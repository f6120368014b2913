"""Addresses that a team does not send to. Key: `team` / `address#<lower-case address>`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mailit.domain.times import Micros
from mailit.ports.table import Key, Put, Row, Table
from mailit.stores.rows import integer, optional_text, text
from mailit.stores.tables import SUPPRESSIONS


class Origin(StrEnum):
    """Why an address is suppressed."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Suppression:
    """One suppressed address. `source_id`: the email that brought it about."""

    id: str
    address: str
    origin: Origin
    source_id: str | None
    created_at: Micros


def suppression_key(team: str, address: str) -> Key:
    """Where an address stands on a team's list."""
    return Key(SUPPRESSIONS, team, f"address#{address.lower()}")


class Suppressions:
    """The suppression lists of all teams, each for itself."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, team: str, addresses: Iterable[str]) -> dict[str, Suppression]:
        """Which of these are suppressed, by the address as given."""
        keys = {address: suppression_key(team, address) for address in addresses}
        rows = self._table.get_many(list(dict.fromkeys(keys.values())))
        return {address: _read(rows[key]) for address, key in keys.items() if key in rows}

    def add(self, team: str, suppression: Suppression) -> Put:
        """The write that suppresses an address."""
        return Put(
            suppression_key(team, suppression.address),
            {
                "id": suppression.id,
                "address": suppression.address.lower(),
                "origin": suppression.origin.value,
                "source_id": suppression.source_id,
                "created_at": suppression.created_at,
            },
        )


def _read(row: Row) -> Suppression:
    return Suppression(
        text(row, "id"),
        text(row, "address"),
        Origin(text(row, "origin")),
        optional_text(row, "source_id"),
        integer(row, "created_at"),
    )
