"""Port `Table` on SQLite: a rowid table per table with the fields as JSON, and a pair of columns per index."""

from __future__ import annotations

import base64
import binascii
import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from mailit.domain.errors import ConditionFailed, Refused
from mailit.engines.embedded.database import Database
from mailit.engines.embedded.values import dump, load
from mailit.ports.table import Absent, Condition, Delete, Equals, Key, Page, Put, Query, Row, TableSpec, Update, Value

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_BATCH = 200


class Statements:
    """The SQL of one table. Names come from the spec alone and are checked; values are always bound."""

    def __init__(self, spec: TableSpec) -> None:
        for name in (spec.name, *(index.name for index in spec.indexes)):
            if not _NAME.fullmatch(name):
                raise Refused(f"not a table or index name: {name}")
        self.spec = spec
        self.name = f"t_{spec.name}"
        columns = [f"x_{index.name}_{part}" for index in spec.indexes for part in ("p", "s")]
        changes = ", ".join(f"{column} = excluded.{column}" for column in ("body", *columns))
        names, marks = ", ".join(("pk", "sk", "body", *columns)), ", ".join("?" * (3 + len(columns)))
        self.put = f"insert into {self.name} ({names}) values ({marks}) on conflict (pk, sk) do update set {changes}"  # noqa: S608
        self.get = f"select body from {self.name} where pk = ? and sk = ?"  # noqa: S608
        self.delete = f"delete from {self.name} where pk = ? and sk = ?"  # noqa: S608

    def create(self) -> list[str]:
        """The statements that make the table and its indexes where they are missing."""
        columns = "".join(f", x_{index.name}_p, x_{index.name}_s" for index in self.spec.indexes)
        made = [
            f"create table if not exists {self.name} (id integer primary key, pk text not null, sk text not null,"
            f" body text not null{columns}, unique (pk, sk))"
        ]
        made += [
            f"create index if not exists {self.name}_{index.name} on {self.name}"
            f" (x_{index.name}_p, x_{index.name}_s, pk, sk)"
            f" where x_{index.name}_p is not null and x_{index.name}_s is not null"
            for index in self.spec.indexes
        ]
        return made

    def values(self, key: Key, fields: Row) -> tuple[Any, ...]:
        """What `put` binds."""
        indexed = [
            part if isinstance(part, (str, int)) and not isinstance(part, bool) else None
            for index in self.spec.indexes
            for part in (fields.get(index.partition), fields.get(index.sort))
        ]
        return (key.pk, key.sk, dump(fields), *indexed)


class Writes:
    """Single writes inside a transaction that somebody else commits."""

    def __init__(self, specs: Sequence[TableSpec]) -> None:
        self._tables = {spec.name: Statements(spec) for spec in specs}

    def statements(self, table: str) -> Statements:
        """The SQL of a table; an unknown name is a fault of ours."""
        if table not in self._tables:
            raise Refused(f"there is no table {table}")
        return self._tables[table]

    def create(self) -> list[str]:
        """The statements that make all tables."""
        return [statement for table in self._tables.values() for statement in table.create()]

    def current(self, connection: sqlite3.Connection, key: Key) -> dict[str, Value] | None:
        """A row's fields as the transaction sees them."""
        found = connection.execute(self.statements(key.table).get, (key.pk, key.sk)).fetchone()
        return load(found[0]) if found else None

    def put(self, connection: sqlite3.Connection, put: Put) -> None:
        """`ConditionFailed` when `only_if_absent` and there is a row."""
        statements = self.statements(put.key.table)
        if put.only_if_absent and connection.execute(statements.get, (put.key.pk, put.key.sk)).fetchone():
            raise ConditionFailed(f"{put.key.table}: the row is there")
        connection.execute(statements.put, statements.values(put.key, _checked(put.key, put.fields)))

    def update(self, connection: sqlite3.Connection, update: Update) -> Row:
        """The row after the change."""
        fields = self.current(connection, update.key)
        _require(fields, update.when, update.key)
        changed: dict[str, Value] = dict(fields or {})
        changed.update(update.set)
        for name, amount in update.add.items():
            number = changed.get(name, 0)
            if isinstance(number, bool) or not isinstance(number, int):
                raise Refused(f"{name} is not a number")
            changed[name] = number + amount
        for name in update.remove:
            changed.pop(name, None)
        statements = self.statements(update.key.table)
        connection.execute(statements.put, statements.values(update.key, _checked(update.key, changed)))
        return {**changed, "pk": update.key.pk, "sk": update.key.sk}

    def delete(self, connection: sqlite3.Connection, delete: Delete) -> None:
        """`ConditionFailed` when a condition does not hold."""
        if delete.when:
            _require(self.current(connection, delete.key), delete.when, delete.key)
        connection.execute(self.statements(delete.key.table).delete, (delete.key.pk, delete.key.sk))

    def apply(self, connection: sqlite3.Connection, write: Put | Update | Delete) -> None:
        """Any write."""
        if isinstance(write, Put):
            self.put(connection, write)
        elif isinstance(write, Update):
            self.update(connection, write)
        else:
            self.delete(connection, write)


def _checked(key: Key, fields: Row) -> Row:
    if not key.pk or not key.sk or len(key.pk.encode()) > 2048 or len(key.sk.encode()) > 1024:
        raise Refused("a key part is empty or too long")
    if "pk" in fields or "sk" in fields:
        raise Refused("pk and sk are not fields")
    return fields


def _require(fields: Mapping[str, Value] | None, conditions: Sequence[Condition], key: Key) -> None:
    for condition in conditions:
        if not _holds(fields or {}, condition):
            raise ConditionFailed(f"{key.table}: {condition.field} is not as expected")


def _holds(fields: Mapping[str, Value], condition: Condition) -> bool:
    if isinstance(condition, Absent):
        return condition.field not in fields
    if condition.field not in fields:
        return False
    found, wanted = fields[condition.field], condition.value
    if isinstance(condition, Equals):
        # As in DynamoDB a number and a boolean are never equal.
        return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)
    if isinstance(found, str) and isinstance(wanted, str):
        return found.encode() < wanted.encode()
    return _is_integer(found) and _is_integer(wanted) and found < wanted  # type: ignore[operator]


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


class EmbeddedTable:
    """Port `Table`."""

    def __init__(self, database: Database, writes: Writes) -> None:
        self._database = database
        self._writes = writes

    def get(self, key: Key) -> Row | None:
        found = self._database.read(self._writes.statements(key.table).get, (key.pk, key.sk))
        return {**load(found[0][0]), "pk": key.pk, "sk": key.sk} if found else None

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Row]:
        rows = ((key, self.get(key)) for key in dict.fromkeys(keys))
        return {key: row for key, row in rows if row is not None}

    def put(self, put: Put) -> None:
        self._database.write(lambda connection: self._writes.put(connection, put))

    def put_many(self, puts: Sequence[Put]) -> None:
        for start in range(0, len(puts), _BATCH):
            self._database.write(partial(self._put_all, puts[start : start + _BATCH]))

    def _put_all(self, puts: Sequence[Put], connection: sqlite3.Connection) -> None:
        for put in puts:
            self._writes.put(connection, put)

    def update(self, update: Update) -> Row:
        return self._database.write(lambda connection: self._writes.update(connection, update), durable=update.durable)

    def delete(self, delete: Delete) -> None:
        self._database.write(lambda connection: self._writes.delete(connection, delete))

    def query(self, query: Query) -> Page:
        statements = self._writes.statements(query.table)
        sql, values = _select(statements, query)
        found = self._database.read(sql, (*values, query.limit + 1))
        rows = [{**load(body), "pk": pk, "sk": sk} for pk, sk, body, _ in found[: query.limit]]
        more = len(found) > query.limit
        return Page(rows, _cursor(found[query.limit - 1]) if more else None)


def _select(statements: Statements, query: Query) -> tuple[str, tuple[Any, ...]]:
    """The SQL of a query and what it binds, but for the limit."""
    if query.limit < 1:
        raise Refused("a limit is at least 1")
    partition, sort = _columns(statements, query)
    clauses, values = [f"{partition} = ?"], [query.pk]
    for bound, sign in ((query.after, ">"), (query.before, "<")):
        if bound is not None:
            clauses.append(f"{sort} {sign} ?")
            values.append(bound)
    if query.prefix:
        clauses.append(f"{sort} >= ? and substr({sort}, 1, ?) = ?")
        values += [query.prefix, len(query.prefix), query.prefix]  # type: ignore[list-item]
    if query.cursor is not None:
        clauses.append(f"({sort}, pk, sk) {'<' if query.descending else '>'} (?, ?, ?)")
        values += _position(query.cursor)
    # SQLite uses a partial index only when its condition is spelled out.
    if query.index:
        clauses.append(f"{partition} is not null and {sort} is not null")
    way = "desc" if query.descending else "asc"
    sql = (
        f"select pk, sk, body, {sort} from {statements.name} where {' and '.join(clauses)}"  # noqa: S608
        f" order by {sort} {way}, pk {way}, sk {way} limit ?"
    )
    return sql, tuple(values)


def _columns(statements: Statements, query: Query) -> tuple[str, str]:
    if query.index is None:
        return "pk", "sk"
    if query.index not in {index.name for index in statements.spec.indexes}:
        raise Refused(f"there is no index {query.index}")
    return f"x_{query.index}_p", f"x_{query.index}_s"


def _cursor(row: tuple[Any, ...]) -> str:
    pk, sk, _, sort = row
    return base64.urlsafe_b64encode(json.dumps([sort, pk, sk]).encode()).decode()


def _position(cursor: str) -> list[Any]:
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (binascii.Error, ValueError) as error:
        raise Refused("not a cursor") from error
    if not isinstance(position, list) or len(position) != 3:
        raise Refused("not a cursor")
    if not isinstance(position[0], (str, int)) or not all(isinstance(part, str) for part in position[1:]):
        raise Refused("not a cursor")
    return position
