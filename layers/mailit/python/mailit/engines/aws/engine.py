"""The engine `aws`. Nothing is opened before it is used; clients live as long as the process."""

from __future__ import annotations

from collections.abc import Sequence

from mailit.engines.aws.blobs import S3Blobs
from mailit.engines.aws.config import AwsConfig
from mailit.engines.aws.dynamo import Dynamo
from mailit.engines.aws.outbox import AwsOutbox
from mailit.engines.aws.patience import Patience
from mailit.engines.aws.queue import SqsQueue, dead_letters
from mailit.engines.aws.sqs import Sqs
from mailit.engines.aws.table import DynamoTable
from mailit.ports.queue import QueueSpec
from mailit.ports.table import TableSpec


class Engine:
    """The ports on AWS protocols. Safe for threads."""

    inline_bytes = 4 * 1024
    """Content up to this size is cheaper in a row than in a blob: DynamoDB bills by the kilobyte, S3 by the request."""

    def __init__(
        self,
        config: AwsConfig,
        tables: Sequence[TableSpec],
        queues: Sequence[QueueSpec],
        patience: Patience | None = None,
    ) -> None:
        patience = patience or Patience()
        names = [name for spec in queues for name in (spec.name, dead_letters(spec.name))]
        self.table = DynamoTable(Dynamo(config, patience), tables, config.prefix, patience)
        self.queue = SqsQueue(Sqs(config, names, patience), queues, patience)
        self.outbox = AwsOutbox(self.table, self.queue)
        self.blobs = S3Blobs(config, patience)

    def close(self) -> None:
        """End the threads; connections end with the process."""
        self.queue.close()
