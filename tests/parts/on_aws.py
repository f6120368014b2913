"""A MailIt whose engine is `aws`, on an emulator: its settings, and the tables, queues and bucket it needs."""

from __future__ import annotations

import uuid

from mailit.engines.aws.config import AwsConfig
from mailit.engines.aws.migrate import migrate
from mailit.stores.queues import QUEUES
from mailit.stores.tables import TABLES
from tests.parts.ministack import CREDENTIALS

REGION = "us-east-1"


def settings_at(endpoint: str) -> dict[str, str]:
    """MAILIT_* and AWS_* variables, after everything was made there under a name that nobody else uses."""
    name = uuid.uuid4().hex[:12]
    prefix, bucket = f"m-{name}-", f"mail-{name}"
    migrate(AwsConfig(REGION, prefix, bucket, endpoint, endpoint, endpoint), TABLES, QUEUES)
    return {
        **CREDENTIALS,
        "AWS_REGION": REGION,
        "MAILIT_ENGINE": "aws",
        "MAILIT_AWS_ENDPOINT": endpoint,
        "MAILIT_PREFIX": prefix,
        "MAILIT_BUCKET": bucket,
    }
