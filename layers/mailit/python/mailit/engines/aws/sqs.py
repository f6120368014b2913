"""The connection to SQS: boto3's client, its own retries off, and the queues' addresses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any

from mailit.domain.errors import Refused
from mailit.engines.aws.config import AwsConfig
from mailit.engines.aws.patience import Patience

_CONNECT_WITHIN = 3  # seconds
_ANSWER_WITHIN = 30  # a long poll takes 20


class Sqs:
    """Calls by name. The client is made at the first one."""

    def __init__(self, config: AwsConfig, queues: Collection[str], patience: Patience) -> None:
        self._config = config
        self._queues = frozenset(queues)
        self._patience = patience
        self._lock = threading.Lock()
        self._client: Any = None
        self._urls: dict[str, str] = {}

    def call(self, operation: str, queue: str, *, repeatable: bool = True, **arguments: Any) -> dict[str, Any]:
        """The answer of an operation on a queue; see `Patience.run`."""
        url = self.url(queue)
        method: Callable[..., dict[str, Any]] = getattr(self._opened(), operation)
        return self._patience.run(lambda: method(QueueUrl=url, **arguments), repeatable=repeatable)

    def url(self, queue: str) -> str:
        """A queue's address, asked for once."""
        if queue not in self._queues:
            raise Refused(f"there is no queue {queue}")
        if queue not in self._urls:
            method = self._opened().get_queue_url
            answer = self._patience.run(lambda: method(QueueName=self._config.prefix + queue))
            self._urls[queue] = answer["QueueUrl"]
        return self._urls[queue]

    def _opened(self) -> Any:
        if self._client is None:
            with self._lock:
                if self._client is None:
                    self._client = make_client(self._config)
        return self._client


def make_client(config: AwsConfig) -> Any:
    """The process's client of the service."""
    return _client(config.region, config.sqs, config.connections)


@lru_cache(maxsize=8)
def _client(region: str, endpoint: str | None, connections: int) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.session.Session(region_name=region).client(
        "sqs",
        endpoint_url=endpoint,
        config=Config(
            connect_timeout=_CONNECT_WITHIN,
            read_timeout=_ANSWER_WITHIN,
            max_pool_connections=connections,
            retries={"total_max_attempts": 1, "mode": "standard"},
            parameter_validation=False,
        ),
    )
