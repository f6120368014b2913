"""Rows read beforehand in one call, for stores that would ask for them one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from mailit.ports.table import Delete, Key, Page, Put, Query, Row, Table, Update


class Snapshot:
    """A `Table` whose reads by key answer from what `read` has seen, and ask the table for the rest. Writes go
    through and are not seen: it is for one step, which reads first."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._rows: dict[Key, Row | None] = {}

    def read(self, keys: Sequence[Key]) -> None:
        """Read these, in one call, unless they are known."""
        unknown = [key for key in dict.fromkeys(keys) if key not in self._rows]
        if unknown:
            found = self._table.get_many(unknown)
            self._rows.update({key: found.get(key) for key in unknown})

    def get(self, key: Key) -> Row | None:
        self.read([key])
        return self._rows[key]

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Row]:
        self.read(keys)
        rows = {key: self._rows[key] for key in keys}
        return {key: row for key, row in rows.items() if row is not None}

    def put(self, put: Put) -> None:
        self._table.put(put)

    def put_many(self, puts: Sequence[Put]) -> None:
        self._table.put_many(puts)

    def update(self, update: Update) -> Row:
        return self._table.update(update)

    def delete(self, delete: Delete) -> None:
        self._table.delete(delete)

    def query(self, query: Query) -> Page:
        return self._table.query(query)
