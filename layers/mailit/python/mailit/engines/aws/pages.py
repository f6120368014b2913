"""Queries, and the cursors between their pages."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import reduce
from operator import and_
from typing import Any

from pynamodb.expressions.condition import Condition as Expression

from mailit.domain.errors import Refused
from mailit.engines.aws.dynamo import Dynamo
from mailit.engines.aws.expressions import Names, operand, path
from mailit.engines.aws.values import Item, row_of
from mailit.ports.table import Index, Page, Query, TableSpec

_MOST = 1000  # rows asked for in one call


def read_page(dynamo: Dynamo, name: str, spec: TableSpec, query: Query) -> Page:
    """One page. A row more than the limit is asked for, so that a cursor is given only where something follows."""
    if query.limit < 1:
        raise Refused("a limit is at least 1")
    index = _index(spec, query)
    names = Names()
    arguments: dict[str, Any] = {"TableName": name, "ScanIndexForward": not query.descending}
    arguments["KeyConditionExpression"] = names.write(_condition(query, index))
    arguments.update(names.arguments())
    if index is not None:
        arguments["IndexName"] = index.name
    else:
        arguments["ConsistentRead"] = True
    if query.cursor is not None:
        arguments["ExclusiveStartKey"] = _position(query, index)
    items = _read(dynamo, arguments, query, index)
    rows = [row_of(item) for item in items[: query.limit]]
    more = len(items) > query.limit
    return Page(rows, _cursor(query, index, items[query.limit - 1]) if more else None)


def _read(dynamo: Dynamo, arguments: dict[str, Any], query: Query, index: Index | None) -> list[Item]:
    items: list[Item] = []
    while True:
        wanted = query.limit + 1 - len(items)
        answer = dynamo.call("Query", {**arguments, "Limit": min(wanted, _MOST)})
        items += [item for item in answer["Items"] if _inside(item, query, index)]
        last = answer.get("LastEvaluatedKey")
        if not last or len(items) > query.limit:
            return items
        arguments = {**arguments, "ExclusiveStartKey": last}


def _index(spec: TableSpec, query: Query) -> Index | None:
    if query.index is None:
        return None
    for index in spec.indexes:
        if index.name == query.index:
            return index
    raise Refused(f"there is no index {query.index}")


def _condition(query: Query, index: Index | None) -> Expression:
    partition, sort = (path(index.partition), path(index.sort)) if index else (path("pk"), path("sk"))
    found: list[Expression] = [partition == operand({"S": query.pk})]
    after, before = query.after, query.before
    if query.prefix:
        if after is not None or before is not None:
            raise Refused("a prefix and bounds do not go together")
        found.append(sort.startswith(operand({"S": query.prefix})))  # type: ignore[arg-type]
    elif after is not None and before is not None:
        # One condition on the sort key is all there is; `_inside` leaves the bounds themselves out.
        low, high = (after, before) if after.encode() <= before.encode() else (after, after)
        found.append(sort.between(operand({"S": low}), operand({"S": high})))
    elif after is not None:
        found.append(sort > operand({"S": after}))
    elif before is not None:
        found.append(sort < operand({"S": before}))
    return reduce(and_, found)


def _inside(item: Item, query: Query, index: Index | None) -> bool:
    if query.after is None or query.before is None:
        return True
    sort: str = item[index.sort if index else "sk"]["S"]
    return query.after.encode() < sort.encode() < query.before.encode()


def _fields(index: Index | None) -> list[str]:
    return ["pk", "sk", index.partition, index.sort] if index else ["pk", "sk"]


def _mark(query: Query) -> str:
    """Names the list that a cursor belongs to."""
    listed = json.dumps([query.table, query.index, query.pk, query.descending])
    return hashlib.sha256(listed.encode()).hexdigest()[:12]


def _cursor(query: Query, index: Index | None, item: Item) -> str:
    place = [item[name] for name in _fields(index)]
    return base64.urlsafe_b64encode(json.dumps([_mark(query), *place]).encode()).decode()


def _position(query: Query, index: Index | None) -> Item:
    assert query.cursor is not None
    try:
        read = json.loads(base64.b64decode(query.cursor, altchars=b"-_", validate=True))
    except (ValueError, RecursionError) as error:
        raise Refused("not a cursor") from error
    names = _fields(index)
    if not isinstance(read, list) or len(read) != len(names) + 1 or read[0] != _mark(query):
        raise Refused("not a cursor of this list")
    if not all(_is_key(value) for value in read[1:]):
        raise Refused("not a cursor")
    return dict(zip(names, read[1:], strict=True))


def _is_key(value: Any) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((kind, content),) = value.items()
    return kind in ("S", "N") and isinstance(content, str)
