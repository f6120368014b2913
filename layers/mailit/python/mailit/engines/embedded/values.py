"""Rows as JSON text. What JSON lacks is a map with one tag key; a user's map that looks like one is wrapped."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from mailit.domain.errors import Refused
from mailit.ports.table import Row, Value

_BYTES = "\x00bytes"
_MAP = "\x00map"
_TAG_AS_JSON = "\\u0000"
_MAX_ROW = 400 * 1024
_MAX_INTEGER = 10**38
_MAX_DEPTH = 32  # DynamoDB's

# Depth is bounded, so there is no circle to look for.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def dump(row: Row) -> str:
    """A row's fields as text; `Refused` when they are no row."""
    text = _encode({name: value if type(value) is str else _plain(value, 1) for name, value in row.items()})
    if len(text) > _MAX_ROW or (not text.isascii() and len(_utf8(text)) > _MAX_ROW):
        raise Refused("a row is at most 400 KB")
    return text


def load(text: str) -> dict[str, Value]:
    """The fields of a stored row."""
    fields = json.loads(text)
    # Nearly no row has bytes in it: one look spares a walk.
    return {name: _rich(value) for name, value in fields.items()} if _TAG_AS_JSON in text else fields


def same(found: Value, wanted: Value) -> bool:
    """Equality as DynamoDB has it: a boolean never equals a number, and a list is one whatever Python calls it."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        return found.keys() == wanted.keys() and all(same(found[name], wanted[name]) for name in found)
    if isinstance(found, (list, tuple)) and isinstance(wanted, (list, tuple)):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    return found == wanted


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Refused("text with half a surrogate pair is not Unicode") from error


def _plain(value: Value, depth: int) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        if abs(value) >= _MAX_INTEGER:
            raise Refused("an integer has at most 38 digits")
        return value
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    return _plain_many(value, depth + 1)


def _plain_many(value: Value, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise Refused(f"a row is at most {_MAX_DEPTH} levels deep")
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth) for item in value]
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        plain = {name: _plain(item, depth) for name, item in value.items()}
        return {_MAP: plain} if len(plain) == 1 and next(iter(plain)) in (_BYTES, _MAP) else plain
    raise Refused(f"a row cannot hold {type(value).__name__}")


def _rich(value: Any) -> Value:
    if isinstance(value, dict):
        if len(value) == 1 and _BYTES in value:
            return base64.b64decode(value[_BYTES])
        if len(value) == 1 and _MAP in value:
            value = value[_MAP]
        return {name: _rich(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_rich(item) for item in value]
    return value  # type: ignore[no-any-return]
