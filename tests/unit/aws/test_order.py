"""The order in which a commit on engine `aws` reaches the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from mailit.engines.aws.outbox import AwsOutbox
from mailit.ports.table import Key, Put, Row, Update


class Table:
    """Writes down what it is given, call by call."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def put(self, put: Put) -> None:
        self.calls.append([put.key.sk])

    def put_many(self, puts: Sequence[Put]) -> None:
        self.calls.append([put.key.sk for put in puts])

    def update(self, update: Update) -> Row:
        self.calls.append([update.key.sk])
        return {}


class Queue:
    def entries(self, _: object) -> dict[str, Any]:
        return {}


def key(name: str) -> Key:
    return Key("rows", "p", name)


def test_puts_that_are_to_be_last_have_a_batch_of_their_own_after_the_others() -> None:
    table = Table()
    outbox = AwsOutbox(cast(Any, table), cast(Any, Queue()))
    outbox.commit(
        [
            Put(key("a"), {}),
            Put(key("b"), {}),
            Put(key("c"), {}, last=True),
            Put(key("d"), {}, last=True),
            Update(key("e"), set={"n": 1}),
            Put(key("f"), {}, last=True),
            Put(key("g"), {}),
        ]
    )
    assert table.calls == [["a", "b"], ["c", "d"], ["e"], ["f", "g"]]
