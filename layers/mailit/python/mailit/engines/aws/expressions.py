"""Conditions and changes as DynamoDB's expressions, built by pynamodb."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Any

from pynamodb.expressions.condition import Condition as Expression
from pynamodb.expressions.operand import Path
from pynamodb.expressions.operand import Value as Operand
from pynamodb.expressions.update import Action, AddAction, RemoveAction, SetAction
from pynamodb.expressions.update import Update as UpdateExpression

from mailit.domain.errors import Refused
from mailit.engines.aws.values import Typed, typed, typed_fields
from mailit.ports.table import Absent, Condition, Equals, Less, Update

Arguments = dict[str, Any]


def path(name: str) -> Path:
    """The field of that very name, dots and all."""
    if not name or not {"[", "]"}.isdisjoint(name):
        raise Refused("not a field's name")
    return Path([name])


def operand(value: Typed) -> Operand:
    """A value that is typed already."""
    return Operand(value)


class Names:
    """Collects the placeholders of one call."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def write(self, expression: Expression | UpdateExpression) -> str:
        """The expression's text."""
        return expression.serialize(self._names, self._values) or ""

    def arguments(self) -> Arguments:
        """What the placeholders stand for."""
        found: Arguments = {}
        if self._names:
            found["ExpressionAttributeNames"] = {short: name for name, short in self._names.items()}
        if self._values:
            found["ExpressionAttributeValues"] = self._values
        return found


def condition_of(conditions: Sequence[Condition]) -> Expression | None:
    """All of them together; None when there is none."""
    return reduce(and_, map(_condition, conditions)) if conditions else None


def _condition(condition: Condition) -> Expression:
    field = path(condition.field)
    match condition:
        case Absent():
            return field.does_not_exist()
        case Equals():
            return field == operand(typed(condition.value))
        case Less():
            return field < operand(typed(condition.value))


def absent_row() -> Expression:
    """Holds where there is no row."""
    return path("pk").does_not_exist()


def change_of(update: Update) -> UpdateExpression | None:
    """What an update changes; None when it only makes the row."""
    names = [*update.set, *update.remove, *update.add]
    if len(set(names)) < len(names):
        raise Refused("an update may change a field in one way only")
    typed_fields(dict.fromkeys(names))  # none of them is the key's
    actions: list[Action] = [SetAction(path(name), operand(value)) for name, value in typed_fields(update.set).items()]
    actions += [RemoveAction(path(name)) for name in update.remove]
    actions += [AddAction(path(name), operand(typed(amount))) for name, amount in update.add.items()]
    return UpdateExpression(*actions) if actions else None


def happens_once(update: Update) -> bool:
    """Whether carrying it out a second time would fail its conditions or change nothing more."""
    return not update.add or any(_ends(condition, update) for condition in update.when)


def _ends(condition: Condition, update: Update) -> bool:
    if isinstance(condition, Absent):
        return condition.field in update.set or condition.field in update.add
    if isinstance(condition, Equals) and condition.field in update.remove:
        return True
    if condition.field not in update.set:
        return False
    new = update.set[condition.field]
    if isinstance(condition, Equals):
        return typed(new) != typed(condition.value)
    same_kind = type(new) is type(condition.value)
    return not (same_kind and _comparable(new) < _comparable(condition.value))


def _comparable(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value
