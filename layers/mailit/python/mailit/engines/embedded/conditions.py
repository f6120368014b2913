"""Whether conditions hold on a row's fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mailit.domain.errors import ConditionFailed
from mailit.engines.embedded.values import same
from mailit.ports.table import Absent, Condition, Equals, Value


def require(fields: Mapping[str, Value], conditions: Sequence[Condition], table: str) -> None:
    """`ConditionFailed` for the first that does not hold. A row that is not there has no fields."""
    for condition in conditions:
        if not _holds(fields, condition):
            raise ConditionFailed(f"{table}: {condition.field} is not as expected")


def _holds(fields: Mapping[str, Value], condition: Condition) -> bool:
    if isinstance(condition, Absent):
        return condition.field not in fields
    if condition.field not in fields:
        return False
    found = fields[condition.field]
    if isinstance(condition, Equals):
        return same(found, condition.value)
    return _less(found, condition.value)


def _less(found: Value, wanted: str | int) -> bool:
    if isinstance(found, bool) or isinstance(wanted, bool):
        return False
    if isinstance(found, str) and isinstance(wanted, str):
        return found < wanted  # by code point, which is the order of the UTF-8 bytes
    return isinstance(found, int) and isinstance(wanted, int) and found < wanted
