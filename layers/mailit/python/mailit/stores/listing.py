"""Newest-first lists with exclusive cursors `after` and `before` (contract §1), in key order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from mailit.ports.table import Query


class Identified(Protocol):
    """Something with an id that is its sort key."""

    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=Identified)


@dataclass(frozen=True, slots=True)
class Window:
    """What the caller asked for. `limit` None: everything there is. `after` means older than, `before` newer than."""

    limit: int | None = 20
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Listed(Generic[Item]):
    """Newest first."""

    items: Sequence[Item]
    has_more: bool


def newest_first(fetch: Callable[[Query], Sequence[Item]], base: Query, window: Window) -> Listed[Item]:
    """The window's items out of the partition that `base` names; `fetch` runs one query and returns its items.

    Sort keys are ids, so the last item's id continues a list that returns everything.
    """
    if window.limit is None:
        return _everything(fetch, base, window)
    upwards = window.before is not None
    found = list(fetch(_query(base, window, window.limit + 1, upwards)))
    items = found[: window.limit]
    return Listed(items[::-1] if upwards else items, len(found) > window.limit)


def _query(base: Query, window: Window, limit: int, upwards: bool) -> Query:
    return Query(
        table=base.table,
        pk=base.pk,
        index=base.index,
        # Newest first: what comes after an item in the list lies before it in key order.
        after=window.before,
        before=window.after,
        descending=not upwards,
        limit=limit,
    )


def _everything(fetch: Callable[[Query], Sequence[Item]], base: Query, window: Window) -> Listed[Item]:
    items: list[Item] = []
    step, after = 500, window.after
    while True:
        found = fetch(_query(base, Window(None, after, window.before), step, upwards=False))
        items += found
        if len(found) < step:
            return Listed(items, False)
        after = found[-1].id
