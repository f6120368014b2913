"""What a MailIt on engine `aws` needs: settings, and tables, queues and a bucket of its own in an emulator."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import replace

from mailit.engines.aws.config import AwsConfig
from mailit.engines.aws.engine import Engine
from mailit.engines.aws.migrate import migrate
from mailit.engines.aws.patience import Patience
from mailit.ports.queue import QueueSpec
from mailit.stores.queues import QUEUES
from mailit.stores.tables import TABLES
from tests.parts.ministack import CREDENTIALS, MiniStack

REGION = "us-east-1"


class Place:
    """One MailIt's place in the emulator. `visibility`: of all queues, in seconds."""

    def __init__(self, emulator: MiniStack, visibility: int) -> None:
        os.environ.update(CREDENTIALS)
        name = uuid.uuid4().hex[:12]
        where = emulator.endpoint
        self._visibility = visibility
        self._config = AwsConfig(REGION, f"t-{name}-", f"bucket-{name}", where, where, where)
        migrate(self._config, TABLES, self._queues)

    @property
    def _queues(self) -> list[QueueSpec]:
        return [replace(spec, visibility=self._visibility) for spec in QUEUES]

    def settings(self, endpoint: str) -> Mapping[str, str]:
        """The environment of a MailIt that lives here and calls `endpoint`."""
        return {
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "MAILIT_ENGINE": "aws",
            "MAILIT_AWS_ENDPOINT": endpoint,
            "MAILIT_PREFIX": self._config.prefix,
            "MAILIT_BUCKET": self._config.bucket,
            "MAILIT_VISIBILITY": str(self._visibility),
        }

    def opened(self, endpoint: str | None = None, patience: Patience | None = None) -> Engine:
        """The engine here, past any proxy or by way of `endpoint`; to be closed."""
        config = self._config
        if endpoint is not None:
            config = replace(config, dynamodb=endpoint, sqs=endpoint, s3=endpoint)
        return Engine(config, TABLES, self._queues, patience)
