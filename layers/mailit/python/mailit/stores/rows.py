"""Reading typed fields out of rows. A row that lacks one is a fault of ours and says so."""

from __future__ import annotations

from mailit.ports.table import Row


def text(row: Row, field: str) -> str:
    """A text field."""
    value = row[field]
    assert isinstance(value, str), field
    return value


def optional_text(row: Row, field: str) -> str | None:
    """A text field that may be absent or None."""
    value = row.get(field)
    assert value is None or isinstance(value, str), field
    return value


def integer(row: Row, field: str) -> int:
    """An integer field."""
    value = row[field]
    assert isinstance(value, int), field
    return value


def optional_integer(row: Row, field: str) -> int | None:
    """An integer field that may be absent or None."""
    value = row.get(field)
    assert value is None or isinstance(value, int), field
    return value


def texts(row: Row, field: str) -> tuple[str, ...]:
    """A list of texts; absent is empty."""
    value = row.get(field) or ()
    assert isinstance(value, (list, tuple)), field
    return tuple(str(item) for item in value)
