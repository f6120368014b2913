"""Port `Table` on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from mailit.engines.embedded.commit import Operation
from mailit.engines.embedded.database import Database
from mailit.engines.embedded.pages import cursor_at, select
from mailit.engines.embedded.values import load
from mailit.engines.embedded.writes import Writes
from mailit.ports.table import Delete, Key, Page, Put, Query, Row, Update

_BATCH = 100  # rows in one transaction at most: others are waiting


class EmbeddedTable:
    """Port `Table`."""

    def __init__(self, database: Database, writes: Writes) -> None:
        self._database = database
        self._writes = writes

    def get(self, key: Key) -> Row | None:
        found = self._database.read(self._writes.statements(key.table).get, (key.pk, key.sk))
        return _row(key.pk, key.sk, found[0][0]) if found else None

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Row]:
        rows = ((key, self.get(key)) for key in dict.fromkeys(keys))
        return {key: row for key, row in rows if row is not None}

    def put(self, put: Put) -> None:
        self._database.write(self._writes.put(put))

    def put_many(self, puts: Sequence[Put]) -> None:
        steps = [self._writes.put(put) for put in puts]
        for start in range(0, len(steps), _BATCH):
            self._database.write(partial(_all, steps[start : start + _BATCH]))

    def update(self, update: Update) -> Row:
        body = self._database.write(self._writes.update(update), durable=update.durable)
        return _row(update.key.pk, update.key.sk, body)

    def delete(self, delete: Delete) -> None:
        self._database.write(self._writes.delete(delete))

    def query(self, query: Query) -> Page:
        sql, values = select(self._writes.statements(query.table), query)
        found = self._database.read(sql, values)
        rows = [_row(pk, sk, body) for pk, sk, body, _ in found[: query.limit]]
        more = len(found) > query.limit
        return Page(rows, cursor_at(query, found[query.limit - 1]) if more else None)


def _row(pk: str, sk: str, body: str) -> Row:
    return {**load(body), "pk": pk, "sk": sk}


def _all(steps: Sequence[Operation[None]], connection: Any) -> None:
    for step in steps:
        step(connection)
