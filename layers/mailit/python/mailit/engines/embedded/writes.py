"""Writes as operations of a transaction. All that needs no look at the row is done before the transaction begins."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from mailit.domain.errors import ConditionFailed, Refused
from mailit.engines.embedded.commit import Operation
from mailit.engines.embedded.conditions import require
from mailit.engines.embedded.schema import Statements
from mailit.engines.embedded.values import load
from mailit.ports.table import Delete, Key, Put, TableSpec, Update, Value, Write

_MAX_PK = 2048  # bytes
_MAX_SK = 1024


class Writes:
    """Makes operations. `Refused` at once for what can never be written."""

    def __init__(self, specs: Sequence[TableSpec]) -> None:
        self.tables = {spec.name: Statements(spec) for spec in specs}

    def statements(self, table: str) -> Statements:
        """The SQL of a table; an unknown name is a fault of ours."""
        if table not in self.tables:
            raise Refused(f"there is no table {table}")
        return self.tables[table]

    def operation(self, write: Write) -> Operation[object]:
        """Any write."""
        if isinstance(write, Put):
            return self.put(write)
        return self.update(write) if isinstance(write, Update) else self.delete(write)

    def put(self, put: Put) -> Operation[None]:
        """`ConditionFailed` when `only_if_absent` and there is a row."""
        statements = self.statements(put.key.table)
        sql = statements.add if put.only_if_absent else statements.put
        values = statements.values(_checked(put.key), put.fields)

        def step(connection: sqlite3.Connection) -> None:
            if not connection.execute(sql, values).rowcount:
                raise ConditionFailed(f"{put.key.table}: the row is there")

        return step

    def update(self, update: Update) -> Operation[str]:
        """Returns the fields after the change, as stored."""
        statements, place = self.statements(update.key.table), (update.key.pk, update.key.sk)
        _checked(update.key)
        names = [*update.set, *update.remove, *update.add]
        if len(set(names)) < len(names):
            raise Refused("an update may change a field in one way only")

        def step(connection: sqlite3.Connection) -> str:
            found = connection.execute(statements.find, place).fetchone()
            fields = load(found[1]) if found else {}
            require(fields, update.when, update.key.table)
            changed = _changed(fields, update)
            if found is None:
                values = statements.values(update.key, changed)
                connection.execute(statements.put, values)
                return str(values[2])
            sql, values = statements.change(found[0], fields, changed)
            connection.execute(sql, values)
            return str(values[0])

        return step

    def delete(self, delete: Delete) -> Operation[None]:
        """`ConditionFailed` when a condition does not hold."""
        statements, place = self.statements(delete.key.table), (delete.key.pk, delete.key.sk)

        def step(connection: sqlite3.Connection) -> None:
            if delete.when:
                found = connection.execute(statements.get, place).fetchone()
                require(load(found[0]) if found else {}, delete.when, delete.key.table)
            connection.execute(statements.delete, place)

        return step


def _checked(key: Key) -> Key:
    try:
        fits = 0 < len(key.pk.encode()) <= _MAX_PK and 0 < len(key.sk.encode()) <= _MAX_SK
    except UnicodeEncodeError:
        fits = False
    if not fits:
        raise Refused("a part of a key is empty, too long or not Unicode")
    return key


def _changed(fields: dict[str, Value], update: Update) -> dict[str, Value]:
    changed = {**fields, **update.set}
    for name in update.remove:
        changed.pop(name, None)
    for name, amount in update.add.items():
        number = changed.get(name, 0)
        if isinstance(number, bool) or not isinstance(number, int):
            raise Refused(f"{name} is not a number")
        changed[name] = number + amount
    return changed
