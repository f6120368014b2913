"""What MailIt asks of AWS for an email, and what that costs.

Units are counted as AWS bills them. DynamoDB's are those that its answers tell (MiniStack works them out from the sizes
of the items, indexes included); a write whose condition failed took one. SQS bills each begun 64 KB of messages.
"""

from __future__ import annotations

import threading
import tomllib
from collections import Counter as Counts
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

_PRICES = Path(__file__).with_name("prices.toml")
_SQS_CHUNK = 64 * 1024
_READS = ("GetItem", "BatchGetItem", "Query", "Scan")
_S3 = {"PUT": "s3_put", "POST": "s3_put", "GET": "s3_get", "HEAD": "s3_get"}


def prices() -> dict[str, float]:
    """USD per million of each kind."""
    with _PRICES.open("rb") as file:
        return {kind: float(price) for kind, price in tomllib.load(file)["per_million"].items()}


def usd_per_million(counted: Mapping[str, float], emails: int, per_million: Mapping[str, float]) -> float:
    """What a million emails cost, when so many of them took these units. `KeyError` for a kind without a price."""
    return sum(count * per_million[kind] for kind, count in counted.items()) / emails


class Counter:
    """`calls` by (stage, kind). `units`: what they are billed as, by kind of price. `idle`: receives that brought
    nothing, which are in neither. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Count anew."""
        with self._lock:
            self.calls: Counts[tuple[str, str]] = Counts()
            self.units: Counts[str] = Counts()
            self.idle = 0

    def add(self, stage: str, kind: str, status: int, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """One call, as `Tap` has it."""
        service, _, operation = kind.partition(".")
        with self._lock:
            if operation == "ReceiveMessage" and not answer.get("Messages"):
                self.idle += 1
                return
            self.calls[stage, kind] += 1
            if service == "DynamoDB":
                self._add_capacity(operation, status, answer)
            elif service == "SQS":
                self._add_messages(request, answer)
            elif operation in _S3:
                self.units[_S3[operation]] += 1

    def _add_capacity(self, operation: str, status: int, answer: Mapping[str, Any]) -> None:
        unit = "dynamodb_read_unit" if operation in _READS else "dynamodb_write_unit"
        told = answer.get("ConsumedCapacity") or ()
        for item in [told] if isinstance(told, Mapping) else told:
            self.units[unit] += item["CapacityUnits"]
        if status == 400 and "ConditionalCheckFailed" in str(answer.get("__type")):
            self.units[unit] += 1

    def _add_messages(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        entries = request.get("Entries") or ()
        size = sum(len(entry.get("MessageBody", "").encode()) for entry in entries)
        size += sum(len(message["Body"].encode()) for message in answer.get("Messages") or ())
        chunks = max(1, -(-size // _SQS_CHUNK))
        self.units["sqs_request"] += chunks
        if any("MessageGroupId" in entry for entry in entries):
            self.units["sqs_fair_request"] += chunks

    def count(self, stages: Collection[str] = ()) -> int:
        """Calls of these stages, of all when none is named."""
        return sum(count for (stage, _), count in self.calls.items() if not stages or stage in stages)


def lambda_units(invocations: float, seconds: float, megabytes: int) -> dict[str, float]:
    """What Lambda bills for so many invocations of so many seconds in all."""
    return {"lambda_request": invocations, "lambda_gb_second": seconds * megabytes / 1024}
