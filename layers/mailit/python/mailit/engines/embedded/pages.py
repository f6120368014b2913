"""Queries as SQL, and the cursors between their pages."""
# ruff: noqa: S608

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from mailit.domain.errors import Refused
from mailit.engines.embedded.schema import Statements, columns_of
from mailit.ports.table import Query

_LAST = 0x10FFFF


def select(statements: Statements, query: Query) -> tuple[str, tuple[Any, ...]]:
    """The SQL of a query, and what it binds. Rows are (pk, sk, body, sort), one more than the limit where there is."""
    if query.limit < 1:
        raise Refused("a limit is at least 1")
    partition, sort = _columns(statements, query)
    clauses, values = [f"{partition} = ?"], [query.pk]
    for clause, bound in (*_bounds(query), *_continued(query)):
        clauses.append(clause.format(sort=sort))
        values += bound
    if query.index:
        # SQLite uses a partial index only when its condition is spelled out.
        clauses.append(f"{partition} is not null and {sort} is not null")
    way = "desc" if query.descending else "asc"
    # Rows of an index with equal sort fields need an order too, or a page would lose some.
    order = f"{sort} {way}, pk {way}, sk {way}" if query.index else f"sk {way}"
    sql = f"select pk, sk, body, {sort} from {statements.name} where {' and '.join(clauses)} order by {order} limit ?"
    return sql, (*values, query.limit + 1)


def cursor_at(query: Query, row: tuple[Any, ...]) -> str:
    """The cursor that continues after this row of `select`."""
    pk, sk, _, sort = row
    return base64.urlsafe_b64encode(json.dumps([_mark(query), sort, pk, sk]).encode()).decode()


def _columns(statements: Statements, query: Query) -> tuple[str, str]:
    if query.index is None:
        return "pk", "sk"
    for index in statements.spec.indexes:
        if index.name == query.index:
            return columns_of(index)
    raise Refused(f"there is no index {query.index}")


def _bounds(query: Query) -> list[tuple[str, list[Any]]]:
    found: list[tuple[str, list[Any]]] = []
    if query.after is not None:
        found.append(("{sort} > ?", [query.after]))
    if query.before is not None:
        found.append(("{sort} < ?", [query.before]))
    if query.prefix:
        if found:
            raise Refused("a prefix and bounds do not go together")
        found.append(("{sort} >= ?", [query.prefix]))
        above = _above(query.prefix)
        if above:
            found.append(("{sort} < ?", [above]))
    return found


def _above(prefix: str) -> str:
    """The smallest text above all that begin with `prefix`; empty when there is none."""
    kept = prefix.rstrip(chr(_LAST))
    if not kept:
        return ""
    following = ord(kept[-1]) + 1
    # Surrogates are no characters: what follows U+D7FF is U+E000.
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)


def _continued(query: Query) -> list[tuple[str, list[Any]]]:
    if query.cursor is None:
        return []
    sign, position = "<" if query.descending else ">", _position(query)
    if query.index:
        return [(f"({{sort}}, pk, sk) {sign} (?, ?, ?)", position)]
    return [(f"sk {sign} ?", position[2:])]


def _mark(query: Query) -> str:
    """Names the list that a cursor belongs to."""
    listed = json.dumps([query.table, query.index, query.pk, query.descending])
    return hashlib.sha256(listed.encode()).hexdigest()[:12]


def _position(query: Query) -> list[Any]:
    assert query.cursor is not None
    try:
        read = json.loads(base64.b64decode(query.cursor, altchars=b"-_", validate=True))
    except (ValueError, RecursionError) as error:
        raise Refused("not a cursor") from error
    if not isinstance(read, list) or len(read) != 4 or read[0] != _mark(query):
        raise Refused("not a cursor of this list")
    if type(read[1]) not in (str, int) or not all(isinstance(part, str) for part in read[2:]):
        raise Refused("not a cursor")
    if isinstance(read[1], int) and abs(read[1]) > 2**63 - 1:
        raise Refused("not a cursor")
    return read[1:]
