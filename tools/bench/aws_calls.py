"""What MailIt asks of AWS for an email, and what that costs.

Calls are counted where they leave: `Counter.on(client)` listens to a boto3 client's own events, so the count is of
requests as they are sent, retries included, whoever answers them. Units are counted as AWS bills them.
"""

from __future__ import annotations

import tomllib
from collections import Counter as Counts
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PRICES = Path(__file__).with_name("prices.toml")
_KB = 1024
_SQS_CHUNK = 64 * _KB  # one request is billed for each begun chunk
_S3 = {"PutObject": "s3_put", "CopyObject": "s3_put", "ListObjectsV2": "s3_put", "GetObject": "s3_get"}


def prices() -> dict[str, float]:
    """USD per million of each kind."""
    with _PRICES.open("rb") as file:
        return {kind: float(price) for kind, price in tomllib.load(file)["per_million"].items()}


def usd_per_million(counted: Mapping[str, float], emails: int, per_million: Mapping[str, float]) -> float:
    """What a million emails cost, when so many of them took these units. `KeyError` for a kind without a price."""
    return sum(count * per_million[kind] for kind, count in counted.items()) / emails


class Counter:
    """`calls`: requests by service and operation. `units`: what they are billed as, by kind of price."""

    def __init__(self) -> None:
        self.calls: Counts[str] = Counts()
        self.units: Counts[str] = Counts()

    def on(self, client: Any) -> None:
        """Count what a boto3 client sends from now on."""
        service = client.meta.service_model.service_name
        client.meta.events.register(
            f"after-call.{service}",
            lambda model, parsed, context, **_: self.add(
                service, model.name, len(context.get("request_body", b"")), parsed
            ),
        )

    def add(self, service: str, operation: str, sent: int, answer: Mapping[str, Any]) -> None:
        """One call. `sent`: bytes of its body. `answer`: as parsed; DynamoDB's tells the units when it was asked to
        (`ReturnConsumedCapacity`)."""
        self.calls[f"{service}.{operation}"] += 1
        if service == "dynamodb":
            self._add_capacity(operation, answer)
        elif service == "sqs":
            self.units["sqs_request"] += max(1, -(-sent // _SQS_CHUNK))
        elif service == "s3" and operation in _S3:
            self.units[_S3[operation]] += 1

    def _add_capacity(self, operation: str, answer: Mapping[str, Any]) -> None:
        told = answer.get("ConsumedCapacity") or ()
        reads = operation in ("GetItem", "BatchGetItem", "Query", "Scan")
        for item in [told] if isinstance(told, Mapping) else told:
            self.units["dynamodb_read_unit" if reads else "dynamodb_write_unit"] += item["CapacityUnits"]


def lambda_units(invocations: float, seconds: float, megabytes: int) -> dict[str, float]:
    """What Lambda bills for so many invocations of so many seconds in all."""
    return {"lambda_request": invocations, "lambda_gb_second": seconds * megabytes / 1024}
