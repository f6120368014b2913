"""The connection to DynamoDB: pynamodb's, its own retries off, one client for the process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mailit.engines.aws.config import AwsConfig
from mailit.engines.aws.patience import Patience

if TYPE_CHECKING:
    from pynamodb.connection import Connection

_CONNECT_WITHIN = 3  # seconds
_ANSWER_WITHIN = 10


class Dynamo:
    """Calls by name. The client is made at the first one: a process that calls nothing does not wait for it."""

    def __init__(self, config: AwsConfig, patience: Patience) -> None:
        self._config = config
        self._patience = patience
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def call(
        self,
        operation: str,
        arguments: Mapping[str, Any],
        *,
        repeatable: bool = True,
        applied: Callable[[], dict[str, Any] | None] | None = None,
    ) -> dict[str, Any]:
        """The answer; see `Patience.run`."""
        connection = self._opened()
        answer = self._patience.run(
            lambda: connection.dispatch(operation, dict(arguments)), repeatable=repeatable, applied=applied
        )
        return answer or {}

    def _opened(self) -> Connection:
        if self._connection is None:
            with self._lock:  # two threads must not make a client at once
                if self._connection is None:
                    self._connection = _connect(self._config.region, self._config.dynamodb, self._config.connections)
        return self._connection


@lru_cache(maxsize=8)
def _connect(region: str, endpoint: str | None, connections: int) -> Connection:
    """One for the process: making a client takes longer than a hundred calls."""
    from pynamodb.connection import Connection

    connection = Connection(
        region=region,
        host=endpoint,
        connect_timeout_seconds=_CONNECT_WITHIN,
        read_timeout_seconds=_ANSWER_WITHIN,
        max_retry_attempts=0,
        retry_configuration="LEGACY",
        max_pool_connections=connections,
    )
    assert connection.client is not None
    return connection
