"""Port `Table`: rows with conditions. A deliberately small subset that every compatible engine can serve.

A row lives in a named table under a partition key `pk` and a sort key `sk` (both non-empty text; `sk` ≤ 1,024 bytes,
`pk` ≤ 2,048 bytes in UTF-8) and holds fields. Values are text, integers (up to 38 digits), booleans, bytes, None,
lists and maps of these; no floats. A row is at most 400 KB. Sort order is that of the keys' UTF-8 bytes.

A field of an index is of the index's kind and not empty; a row nests at most 32 levels deep. What breaks
these rules, or names a table or index that is not there, is `Refused`.

There are no transactions across rows, no scans and no joins. `pk` and `sk` are part of every returned row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Value = str | int | bool | bytes | None | Sequence["Value"] | Mapping[str, "Value"]
Row = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Index:
    """A named second order over a table. A row without both fields is not in it (sparse). Index reads may lag.

    The partition field is text; the sort field text, or with `numeric` an integer of at most 64 bits.
    """

    name: str
    partition: str
    sort: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table: its name, its indexes and the field (epoch seconds) after which a row may be removed by the engine."""

    name: str
    indexes: tuple[Index, ...] = ()
    expires: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """Where a row lives."""

    table: str
    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class Absent:
    """Holds when the field (or the whole row) is not there."""

    field: str


@dataclass(frozen=True, slots=True)
class Equals:
    """Holds when the field is there and equal."""

    field: str
    value: Value


@dataclass(frozen=True, slots=True)
class Less:
    """Holds when the field is there and smaller; text or integers."""

    field: str
    value: str | int


Condition = Absent | Equals | Less


@dataclass(frozen=True, slots=True)
class Put:
    """Write a whole row in place of what was there; with `only_if_absent` only where nothing was. In an outbox's
    commit `last` means that all writes before it are there first, even after a crash in between: puts without it may
    be written in any order."""

    key: Key
    fields: Row
    only_if_absent: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """Change fields of one row: set, remove, add to an integer (absent counts as 0). Makes the row when it is absent
    and the conditions hold. All conditions must hold. A field is changed in one way only. `durable=False` lets an
    engine skip the wait for the disk: the write then survives a killed process, not a power cut (for counters).
    """

    key: Key
    set: Row = field(default_factory=dict)
    remove: Sequence[str] = ()
    add: Mapping[str, int] = field(default_factory=dict)
    when: Sequence[Condition] = ()
    durable: bool = True


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove one row; fine when it is not there, unless a condition asks otherwise."""

    key: Key
    when: Sequence[Condition] = ()


Write = Put | Update | Delete


@dataclass(frozen=True, slots=True)
class Query:
    """Rows of one partition of a table, or of one of its indexes, in key order.

    `after` and `before` are exclusive bounds on the sort key, `prefix` a prefix of it (not together with the bounds).
    `limit` is the largest number of rows returned. `cursor` continues where a `Page` ended.
    On an index, `pk` and the bounds speak of the index's own fields.
    """

    table: str
    pk: str
    index: str | None = None
    after: str | None = None
    before: str | None = None
    prefix: str | None = None
    descending: bool = False
    limit: int = 100
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in order, and the cursor of the next page (None: there is none)."""

    rows: Sequence[Row]
    cursor: str | None = None


class Table(Protocol):
    """Promises every engine keeps: a write that returned is durable; a `get` after it sees it; one row changes
    atomically; of two concurrent conditional writes at most one wins. Raises `ConditionFailed`, `Unavailable`."""

    def get(self, key: Key) -> Row | None:
        """The row, or None. Strongly consistent."""
        ...

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Row]:
        """Those of the rows that exist; any number of keys."""
        ...

    def put(self, put: Put) -> None:
        """`ConditionFailed` when `only_if_absent` and there is a row."""
        ...

    def put_many(self, puts: Sequence[Put]) -> None:
        """Unconditional puts of any number; not atomic together, all done when it returns."""
        ...

    def update(self, update: Update) -> Row:
        """The row after the change; `ConditionFailed` when a condition does not hold."""
        ...

    def delete(self, delete: Delete) -> None:
        """`ConditionFailed` when a condition does not hold."""
        ...

    def query(self, query: Query) -> Page:
        """One page."""
        ...
