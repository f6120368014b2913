"""Rows as DynamoDB's typed JSON and back. Numbers, booleans, bytes and None keep their kind; a tuple becomes a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailit.domain.errors import Refused
from mailit.ports.table import Key, Row, Value

Typed = dict[str, Any]
"""`{"S": "text"}` and its like."""

Item = dict[str, Typed]

_MAX_ROW = 400 * 1024
_MAX_PK = 2048
_MAX_SK = 1024
_MAX_INTEGER = 10**38
_MAX_DEPTH = 32
_KEY_FIELDS = frozenset({"pk", "sk"})


def item_of(key: Key, fields: Row) -> Item:
    """A whole row; `Refused` when it is none."""
    item = {**place_of(key), **typed_fields(fields)}
    if _size(item) > _MAX_ROW:
        raise Refused("a row is at most 400 KB")
    return item


def place_of(key: Key) -> Item:
    """A row's key."""
    if not (0 < _bytes(key.pk) <= _MAX_PK and 0 < _bytes(key.sk) <= _MAX_SK):
        raise Refused("a part of a key is empty or too long")
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def typed_fields(fields: Row) -> Item:
    """Fields of a row, which are not its key."""
    if not _KEY_FIELDS.isdisjoint(fields):
        raise Refused("pk and sk are no fields")
    return {_name(name): typed(value) for name, value in fields.items()}


def typed(value: Value, depth: int = 1) -> Typed:
    """One value. A row nests at most 32 levels deep."""
    if isinstance(value, str):
        _bytes(value)
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        if abs(value) >= _MAX_INTEGER:
            raise Refused("an integer has at most 38 digits")
        return {"N": str(value)}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bytes):
        return {"B": value}
    return _nested(value, depth)


def _nested(value: Any, depth: int) -> Typed:
    if depth >= _MAX_DEPTH:
        raise Refused("a row is nested too deep")
    if isinstance(value, Mapping):
        return {"M": {_name(name): typed(item, depth + 1) for name, item in value.items()}}
    if isinstance(value, (list, tuple)):
        return {"L": [typed(item, depth + 1) for item in value]}
    raise Refused(f"a row cannot hold {type(value).__name__}")


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise Refused("a field's name is text")
    _bytes(name)
    return name


def _bytes(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise Refused("text with half a surrogate pair is not Unicode") from error


def row_of(item: Item) -> Row:
    """A row as the ports have it."""
    return {name: plain(value) for name, value in item.items()}


def plain(value: Typed) -> Value:
    """One value."""
    ((kind, content),) = value.items()
    if kind == "N":
        return int(content)
    if kind == "NULL":
        return None
    if kind == "M":
        return {name: plain(item) for name, item in content.items()}
    if kind == "L":
        return [plain(item) for item in content]
    return bytes(content) if kind == "B" else content


def _size(item: Item) -> int:
    """Bytes of an item, a little less than DynamoDB counts them: what it refuses beyond that is refused as well."""
    return sum(len(name.encode()) + _weight(value) for name, value in item.items())


def _weight(value: Typed) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "B":
        return len(content)
    if kind == "M":
        return 3 + sum(len(name.encode()) + _weight(item) + 1 for name, item in content.items())
    if kind == "L":
        return 3 + sum(_weight(item) + 1 for item in content)
    return len(content) // 2 + 1 if kind == "N" else 1
