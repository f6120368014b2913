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
_MAX_ROW = 400 * 1024
_MAX_INTEGER = 10**38


def dump(row: Row) -> str:
    """A row's fields as text; `Refused` when they are no row."""
    text = json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False, separators=(",", ":"))
    if len(text) > _MAX_ROW or len(text.encode("utf-8", "surrogatepass")) > _MAX_ROW:
        raise Refused("a row is at most 400 KB")
    return text


def load(text: str) -> dict[str, Value]:
    """The fields of a stored row."""
    return {name: _rich(value) for name, value in json.loads(text).items()}


def _plain(value: Value) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        if abs(value) >= _MAX_INTEGER:
            raise Refused("an integer has at most 38 digits")
        return value
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        plain = {str(name): _plain(item) for name, item in value.items()}
        return {_MAP: plain} if len(plain) == 1 and next(iter(plain)) in (_BYTES, _MAP) else plain
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    raise Refused(f"a row cannot hold {type(value).__name__}")


def _rich(value: Any) -> Value:
    if isinstance(value, dict):
        if _BYTES in value and len(value) == 1:
            return base64.b64decode(value[_BYTES])
        if _MAP in value and len(value) == 1:
            value = value[_MAP]
        return {name: _rich(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_rich(item) for item in value]
    return value  # type: ignore[no-any-return]
