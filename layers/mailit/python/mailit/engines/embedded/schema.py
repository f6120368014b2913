"""The SQL of a table: a rowid table with the fields as JSON, and a pair of columns with a partial index per index.

Names come from the specs alone and are checked; values are always bound.
"""
# ruff: noqa: S608

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from typing import Any

from mailit.domain.errors import Refused
from mailit.engines.embedded.connection import UnusableData
from mailit.engines.embedded.values import dump, load
from mailit.ports.table import Index, Key, Row, TableSpec

VERSION = 1

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")  # no `__`: that parts the names in what is made of them
_INT64 = 2**63


class Statements:
    """The SQL of one table."""

    def __init__(self, spec: TableSpec) -> None:
        self.spec = spec
        for name in (spec.name, *(index.name for index in spec.indexes)):
            if not _NAME.fullmatch(name):
                raise Refused(f"not a table or index name: {name}")
        self.name = f"t_{spec.name}"
        self.columns = [column for index in spec.indexes for column in columns_of(index)]
        names, marks = ", ".join(("pk", "sk", "body", *self.columns)), ", ".join("?" * (3 + len(self.columns)))
        changes = ", ".join(f"{column} = excluded.{column}" for column in ("body", *self.columns))
        self.add = f"insert into {self.name} ({names}) values ({marks}) on conflict (pk, sk) do nothing"
        self.put = f"insert into {self.name} ({names}) values ({marks}) on conflict (pk, sk) do update set {changes}"
        self.get = f"select body from {self.name} where pk = ? and sk = ?"
        self.find = f"select id, body from {self.name} where pk = ? and sk = ?"
        self.delete = f"delete from {self.name} where pk = ? and sk = ?"

    def values(self, key: Key, fields: Row) -> tuple[Any, ...]:
        """What `add` and `put` bind; `Refused` when this is no row."""
        return (key.pk, key.sk, _body(fields), *self._indexed(fields))

    def change(self, number: int, old: Row, new: Row) -> tuple[str, tuple[Any, ...]]:
        """What makes the row with this `id` another; the body's value comes first. Only columns that change are set:
        SQLite writes every index anew of which a column is named, whether its value is another or not."""
        pairs = zip(self.columns, self._indexed(old), self._indexed(new), strict=True)
        changed = [(column, after) for column, before, after in pairs if before != after]
        names = "".join(f", {column} = ?" for column, _ in changed)
        return f"update {self.name} set body = ?{names} where id = ?", (_body(new), *(v for _, v in changed), number)

    def _indexed(self, fields: Row) -> list[str | int | None]:
        found: list[str | int | None] = []
        for index in self.spec.indexes:
            found += _indexable(fields, index.partition), _indexable(fields, index.sort, numeric=index.numeric)
        return found

    def create(self, connection: sqlite3.Connection) -> None:
        """Make what is missing; an index that is new gets the rows that are there."""
        connection.execute(
            f"create table if not exists {self.name} (id integer primary key, pk text not null, sk text not null,"
            " body text not null, unique (pk, sk))"
        )
        there = {row[1] for row in connection.execute(f"pragma table_info({self.name})")}
        missing = [column for column in self.columns if column not in there]
        for column in missing:
            connection.execute(f"alter table {self.name} add column {column}")
        if missing:
            self._fill(connection)
        for index in self.spec.indexes:
            partition, sort = columns_of(index)
            connection.execute(
                f"create index if not exists i_{self.spec.name}__{index.name} on {self.name}"
                f" ({partition}, {sort}, pk, sk) where {partition} is not null and {sort} is not null"
            )

    def _fill(self, connection: sqlite3.Connection) -> None:
        changes = ", ".join(f"{column} = ?" for column in self.columns)
        for number, body in connection.execute(f"select id, body from {self.name}").fetchall():
            connection.execute(f"update {self.name} set {changes} where id = ?", (*self._indexed(load(body)), number))


def _body(fields: Row) -> str:
    if "pk" in fields or "sk" in fields:
        raise Refused("pk and sk are not fields")
    return dump(fields)


def columns_of(index: Index) -> tuple[str, str]:
    """The columns that hold an index's partition and sort fields."""
    return f"x_{index.name}__p", f"x_{index.name}__s"


def _indexable(fields: Row, name: str, *, numeric: bool = False) -> str | int | None:
    """The value of an index's field, None when there is none. What DynamoDB refuses is refused here as well."""
    if name not in fields:
        return None
    value = fields[name]
    if numeric and isinstance(value, int) and not isinstance(value, bool):
        if not -_INT64 <= value < _INT64:
            raise Refused("a number of an index has at most 64 bits")
        return value
    if not numeric and isinstance(value, str) and value:
        return value
    raise Refused(f"{name} is of an index: {'a number' if numeric else 'text that is not empty'}")


def create_all(connection: sqlite3.Connection, tables: Sequence[Statements], others: Sequence[str]) -> None:
    """Make what is missing in the file, or raise `UnusableData` for one of a newer version."""
    (found,) = connection.execute("pragma user_version").fetchone()
    if found > VERSION:
        raise UnusableData(f"the data folder has version {found}, this MailIt knows {VERSION}")
    for table in tables:
        table.create(connection)
    for statement in others:
        connection.execute(statement)
    if found < VERSION:
        connection.execute(f"pragma user_version = {VERSION}")
