"""Port `Queue` on SQS."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mailit.domain.errors import PortError, Refused, Unavailable
from mailit.engines.aws.bodies import unwrap, wrap
from mailit.engines.aws.patience import Patience
from mailit.engines.aws.shelf import Shelf
from mailit.engines.aws.sqs import Sqs
from mailit.ports.queue import Job, Message, QueueSpec, QueueStats

_MAX_BODY = 256 * 1024
_MAX_CALL = 256 * 1024  # bytes of one SendMessageBatch; AWS allows more by now, its likes do not
_log = logging.getLogger("mailit.queue")

_BATCH = 10
_LONGEST_WAIT = 20
_PAUSE = 0.1
_TROUBLE = 1.0  # seconds until a queue that does not answer is polled again
_MAX_DELAY = 900
_MAX_VISIBILITY = 43_200


def dead_letters(queue: str) -> str:
    """Name of a queue's dead-letter queue."""
    return f"{queue}-dlq"


class SqsQueue:
    """Port `Queue`."""

    def __init__(self, sqs: Sqs, specs: Sequence[QueueSpec], patience: Patience) -> None:
        self._sqs = sqs
        self._specs: Mapping[str, QueueSpec] = {spec.name: spec for spec in specs}
        self._patience = patience
        self._shelf = Shelf()
        self._polls = ThreadPoolExecutor(2 * len(specs) + 1, "sqs-poll")

    def put(self, job: Job) -> None:
        self.put_many([job])

    def put_many(self, jobs: Sequence[Job]) -> None:
        for queue, entries in self.entries(jobs).items():
            self.send(queue, entries)

    def entries(self, jobs: Sequence[Job]) -> dict[str, list[dict[str, Any]]]:
        """The jobs as they are sent, by queue; `Refused` before anything is."""
        by_queue: dict[str, list[dict[str, Any]]] = {}
        for job in jobs:
            self._sqs.url(job.queue)
            entries = by_queue.setdefault(job.queue, [])
            entries.append(_entry(job, len(entries)))
        return by_queue

    def send(self, queue: str, entries: Sequence[dict[str, Any]]) -> None:
        """All of these."""
        for batch in _batches(entries):
            self._send(queue, batch)

    def _send(self, queue: str, entries: list[dict[str, Any]]) -> None:
        for _ in self._patience.turns():
            answer = self._sqs.call("send_message_batch", queue, Entries=entries)
            failed = {item["Id"]: item for item in answer.get("Failed") or ()}
            if any(item.get("SenderFault") for item in failed.values()):
                raise Refused("the queue refused a message")
            entries = [entry for entry in entries if entry["Id"] in failed]
            if not entries:
                return
        raise Unavailable("messages of a batch stayed unsent")

    def receive(self, queue: str, limit: int = 10, wait: float = 0, visibility: int | None = None) -> list[Message]:
        if limit < 1:
            raise Refused("a receive is of at least one message")
        self._sqs.url(queue)
        found = self._shelf.take(queue, limit) if visibility is None else []
        while len(found) < limit:
            more = self._receive(queue, min(_BATCH, limit - len(found)), 0, visibility)
            found += more
            if not more:
                break
        if not found and wait and self.wait_any([queue], wait):
            return self.receive(queue, limit, 0, visibility)
        return found

    def _receive(self, queue: str, limit: int, wait: float, visibility: int | None) -> list[Message]:
        arguments: dict[str, Any] = {
            "MaxNumberOfMessages": limit,
            "WaitTimeSeconds": min(_LONGEST_WAIT, int(wait)),
            "AttributeNames": ["ApproximateReceiveCount"],
        }
        if visibility is not None:
            arguments["VisibilityTimeout"] = visibility
        answer = self._sqs.call("receive_message", queue, **arguments)
        return [_message(queue, item) for item in answer.get("Messages") or ()]

    def wait_any(self, queues: Sequence[str], seconds: float) -> bool:
        """SQS tells of a message by handing it out: what comes lies on the shelf for the `receive` that follows."""
        for queue in queues:
            self._sqs.url(queue)
        deadline = time.monotonic() + seconds
        while True:
            left = max(0.0, deadline - time.monotonic())
            for queue in queues:
                self._poll(queue, left)
            if self._shelf.wait(queues, left):
                return True
            if time.monotonic() >= deadline:
                return False

    def _poll(self, queue: str, seconds: float) -> None:
        """Look for messages in a thread, unless somebody does already. It goes on when the wait is over."""
        if self._shelf.begin(queue):
            self._polls.submit(self._look, queue, seconds)

    def _look(self, queue: str, seconds: float) -> None:
        messages: list[Message] = []
        try:
            messages = self._receive(queue, _BATCH, seconds, None)
            if not messages:
                time.sleep(min(_PAUSE, seconds % 1))  # SQS waits for whole seconds
        except PortError as error:
            _log.warning("queue=%s cannot be polled: %s", queue, error)
            time.sleep(min(_TROUBLE, seconds))
        finally:
            self._shelf.end(queue, messages, self._hidden(queue))

    def _hidden(self, queue: str) -> int:
        return self._specs[queue.removesuffix("-dlq")].visibility

    def delete_many(self, messages: Sequence[Message]) -> None:
        by_queue: dict[str, list[str]] = {}
        for message in messages:
            by_queue.setdefault(message.queue, []).append(message.receipt)
        for queue, receipts in by_queue.items():
            for start in range(0, len(receipts), _BATCH):
                self._delete(queue, receipts[start : start + _BATCH])

    def _delete(self, queue: str, receipts: Sequence[str]) -> None:
        entries = [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(receipts)]
        for _ in self._patience.turns():
            answer = self._sqs.call("delete_message_batch", queue, Entries=entries)
            # A receipt that is not good (any more) is the sender's fault: there is nothing to delete with it.
            again = {item["Id"] for item in answer.get("Failed") or () if not item.get("SenderFault")}
            entries = [entry for entry in entries if entry["Id"] in again]
            if not entries:
                return
        raise Unavailable("messages of a batch stayed undeleted")

    def defer(self, message: Message, seconds: float) -> None:
        if not 0 <= seconds <= _MAX_VISIBILITY:
            raise Refused("a message is deferred by 0 to 43,200 seconds")
        entry = {"Id": "0", "ReceiptHandle": message.receipt, "VisibilityTimeout": math.ceil(seconds)}
        for _ in self._patience.turns():
            answer = self._sqs.call("change_message_visibility_batch", message.queue, Entries=[entry])
            if not any(not item.get("SenderFault") for item in answer.get("Failed") or ()):
                return
        raise Unavailable("a message could not be deferred")

    def stats(self, queue: str) -> QueueStats:
        kinds = "", "NotVisible", "Delayed"
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        found = self._sqs.call("get_queue_attributes", queue, AttributeNames=names)["Attributes"]
        there, hidden, delayed = (int(found.get(name, 0)) for name in names)
        dead = self._sqs.call("get_queue_attributes", dead_letters(queue), AttributeNames=names[:1])["Attributes"]
        return QueueStats(there + delayed, hidden, int(dead.get(names[0], 0)), None)

    def close(self) -> None:
        """Wait for nothing; what is on the shelf comes again after its visibility."""
        self._polls.shutdown(wait=False, cancel_futures=True)


def _entry(job: Job, number: int) -> dict[str, Any]:
    if not 0 <= job.delay <= _MAX_DELAY:
        raise Refused("a delay is of 0 to 900 seconds")
    try:
        large = len(job.body.encode()) > _MAX_BODY
        body = wrap(job.body)
    except UnicodeEncodeError as error:
        raise Refused("text with half a surrogate pair is not Unicode") from error
    if large or len(body.encode()) > _MAX_BODY:
        raise Refused("a message is at most 256 KB")
    entry: dict[str, Any] = {"Id": str(number), "MessageBody": body}
    if job.delay:
        entry["DelaySeconds"] = job.delay
    if job.group is not None:
        entry["MessageGroupId"] = job.group  # fair turns on standard queues
    return entry


def _batches(entries: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """At most ten entries and 256 KB each."""
    found: list[list[dict[str, Any]]] = []
    size = 0
    for entry in entries:
        weight = len(entry["MessageBody"].encode())
        if not found or len(found[-1]) == _BATCH or size + weight > _MAX_CALL:
            found.append([])
            size = 0
        found[-1].append(entry)
        size += weight
    return found


def _message(queue: str, item: Mapping[str, Any]) -> Message:
    receives = int((item.get("Attributes") or {}).get("ApproximateReceiveCount", 1))
    return Message(queue, item["MessageId"], item["ReceiptHandle"], unwrap(item["Body"]), receives)
