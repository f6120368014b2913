"""Reads and writes of many rows: as few calls as the protocol allows, and what a call leaves undone is done again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from mailit.domain.errors import Unavailable
from mailit.engines.aws.dynamo import Dynamo
from mailit.engines.aws.patience import Patience
from mailit.engines.aws.values import Item

T = TypeVar("T")

Request = tuple[str, dict[str, Any]]
"""(table, `PutRequest` or `DeleteRequest`)."""

_WRITES = 25  # of one BatchWriteItem
_READS = 100  # of one BatchGetItem


def write_all(dynamo: Dynamo, patience: Patience, requests: Sequence[Request]) -> None:
    """All of them, in no order."""
    for batch in chunks(requests, _WRITES):
        left = _by_table(batch)
        for _ in patience.turns():
            answer = dynamo.call("BatchWriteItem", {"RequestItems": left})
            left = answer.get("UnprocessedItems") or {}
            if not left:
                break
        if left:
            raise Unavailable("rows of a batch stayed unwritten")


def read_all(dynamo: Dynamo, patience: Patience, places: Sequence[tuple[str, Item]]) -> list[tuple[str, Item]]:
    """Those of the rows that exist, with their table."""
    found: list[tuple[str, Item]] = []
    for batch in chunks(places, _READS):
        left: dict[str, Any] = {
            table: {"Keys": keys, "ConsistentRead": True} for table, keys in _by_table(batch).items()
        }
        # A call reads at most 16 MB, so large rows take several without anybody being slow.
        while left:
            for _ in patience.turns():
                answer = dynamo.call("BatchGetItem", {"RequestItems": left})
                rows = [(table, item) for table, items in answer["Responses"].items() for item in items]
                found += rows
                left = answer.get("UnprocessedKeys") or {}
                if rows or not left:
                    break
            else:
                raise Unavailable("rows of a batch stayed unread")
    return found


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Parts of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _by_table(requests: Sequence[tuple[str, T]]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for table, request in requests:
        found.setdefault(table, []).append(request)
    return found
