"""Where the engine lives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AwsConfig:
    """`prefix` stands before the names of tables and queues. An endpoint of None is AWS itself. Credentials come from
    the environment, the container or the role, never from here."""

    region: str
    prefix: str
    bucket: str
    dynamodb: str | None = None
    sqs: str | None = None
    s3: str | None = None
    connections: int = 16  # kept open to each service
