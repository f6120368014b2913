"""Port `Table` on DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mailit.domain.errors import Refused
from mailit.engines.aws.batches import read_all, write_all
from mailit.engines.aws.dynamo import Dynamo
from mailit.engines.aws.expressions import Names, absent_row, change_of, condition_of, happens_once
from mailit.engines.aws.pages import read_page
from mailit.engines.aws.patience import Patience
from mailit.engines.aws.values import Item, item_of, place_of, row_of, typed_fields
from mailit.ports.table import Delete, Key, Page, Put, Query, Row, TableSpec, Update


class DynamoTable:
    """Port `Table`. Reads by key are strongly consistent."""

    def __init__(self, dynamo: Dynamo, specs: Sequence[TableSpec], prefix: str, patience: Patience) -> None:
        self._dynamo = dynamo
        self._specs: Mapping[str, TableSpec] = {spec.name: spec for spec in specs}
        self._prefix = prefix
        self._patience = patience

    def full_name(self, table: str) -> str:
        """The table's name in DynamoDB; an unknown one is a fault of ours."""
        if table not in self._specs:
            raise Refused(f"there is no table {table}")
        return self._prefix + table

    def get(self, key: Key) -> Row | None:
        item = self._item(key)
        return row_of(item) if item else None

    def _item(self, key: Key) -> Item | None:
        answer = self._dynamo.call("GetItem", {**self._place(key), "ConsistentRead": True})
        return answer.get("Item")

    def _place(self, key: Key) -> dict[str, Any]:
        return {"TableName": self.full_name(key.table), "Key": place_of(key)}

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Row]:
        wanted = {(self.full_name(key.table), key.pk, key.sk): key for key in keys}
        found = read_all(self._dynamo, self._patience, [(name, place_of(key)) for (name, _, _), key in wanted.items()])
        return {wanted[name, item["pk"]["S"], item["sk"]["S"]]: row_of(item) for name, item in found}

    def put(self, put: Put) -> None:
        item = item_of(put.key, put.fields)
        arguments: dict[str, Any] = {"TableName": self.full_name(put.key.table), "Item": item}
        if put.only_if_absent:
            names = Names()
            arguments["ConditionExpression"] = names.write(absent_row())
            arguments.update(names.arguments())
        self._dynamo.call("PutItem", arguments, applied=lambda: self._if_put(put.key, item))

    def _if_put(self, key: Key, item: Item) -> Item | None:
        """Our own row, written by the try that was not answered, or None."""
        return item if self._item(key) == item else None

    def put_many(self, puts: Sequence[Put]) -> None:
        # The last put of a key counts, as it would one after the other; DynamoDB refuses a key twice in a batch.
        last = {put.key: put for put in puts}
        requests = [
            (self.full_name(key.table), {"PutRequest": {"Item": item_of(key, put.fields)}}) for key, put in last.items()
        ]
        write_all(self._dynamo, self._patience, requests)

    def update(self, update: Update) -> Row:
        names = Names()
        arguments = {**self._place(update.key), "ReturnValues": "ALL_NEW"}
        change, condition = change_of(update), condition_of(update.when)
        if change is not None:
            arguments["UpdateExpression"] = names.write(change)
        if condition is not None:
            arguments["ConditionExpression"] = names.write(condition)
        answer = self._dynamo.call(
            "UpdateItem",
            {**arguments, **names.arguments()},
            repeatable=happens_once(update),
            applied=lambda: self._if_updated(update),
        )
        return row_of(answer["Attributes"])

    def _if_updated(self, update: Update) -> dict[str, Any] | None:
        """The row, when it is as the update leaves it: the try that was not answered was carried out."""
        item = self._item(update.key) or {}
        done = bool(update.set) and all(item.get(name) == value for name, value in typed_fields(update.set).items())
        return {"Attributes": item} if done and item.keys().isdisjoint(update.remove) else None

    def delete(self, delete: Delete) -> None:
        names = Names()
        arguments = self._place(delete.key)
        condition = condition_of(delete.when)
        if condition is not None:
            arguments["ConditionExpression"] = names.write(condition)
        self._dynamo.call(
            "DeleteItem", {**arguments, **names.arguments()}, applied=lambda: None if self._item(delete.key) else {}
        )

    def delete_many(self, keys: Sequence[Key]) -> None:
        """Unconditional deletes of any number."""
        requests = [
            (self.full_name(key.table), {"DeleteRequest": {"Key": place_of(key)}}) for key in dict.fromkeys(keys)
        ]
        write_all(self._dynamo, self._patience, requests)

    def query(self, query: Query) -> Page:
        name = self.full_name(query.table)
        return read_page(self._dynamo, name, self._specs[query.table], query)
