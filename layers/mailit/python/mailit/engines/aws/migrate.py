"""Makes tables, queues and the bucket where no CloudFormation does. Safe to run again: it adds what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from minio.error import MinioException
from urllib3.exceptions import HTTPError

from mailit.domain.errors import Unavailable
from mailit.engines.aws.blobs import make_client as make_s3
from mailit.engines.aws.config import AwsConfig
from mailit.engines.aws.queue import dead_letters
from mailit.engines.aws.sqs import make_client as make_sqs
from mailit.ports.queue import QueueSpec
from mailit.ports.table import Index, TableSpec

_KEPT = str(14 * 86400)  # seconds; the longest that SQS keeps a message


def migrate(config: AwsConfig, tables: Sequence[TableSpec], queues: Sequence[QueueSpec]) -> None:
    """Everything that the engine needs. `Unavailable` when the service does not do it; what was made stays."""
    try:
        _make_all(config, tables, queues)
    except (ClientError, BotoCoreError, MinioException, HTTPError) as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error


def _make_all(config: AwsConfig, tables: Sequence[TableSpec], queues: Sequence[QueueSpec]) -> None:
    migrate_tables(config, tables)
    sqs = make_sqs(config)
    for queue in queues:
        _make_queue(sqs, config.prefix, queue)
    s3 = make_s3(config)
    if not s3.bucket_exists(config.bucket):
        s3.make_bucket(config.bucket)


def migrate_tables(config: AwsConfig, tables: Sequence[TableSpec]) -> None:
    """The tables alone."""
    dynamo = _dynamo(config.region, config.dynamodb)
    there = set(_names(dynamo))
    new = [spec for spec in tables if config.prefix + spec.name not in there]
    for spec in new:
        dynamo.create_table(TableName=config.prefix + spec.name, **table_definition(spec))
    for spec in new:
        _await_table(dynamo, config.prefix + spec.name, spec)


@lru_cache(maxsize=8)
def _dynamo(region: str, endpoint: str | None) -> Any:
    return boto3.session.Session(region_name=region).client("dynamodb", endpoint_url=endpoint)


def _names(dynamo: Any) -> Iterator[str]:
    for page in dynamo.get_paginator("list_tables").paginate():
        yield from page["TableNames"]


def _await_table(dynamo: Any, name: str, spec: TableSpec) -> None:
    dynamo.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 1200})
    if spec.expires:
        attribute = {"Enabled": True, "AttributeName": spec.expires}
        try:
            dynamo.update_time_to_live(TableName=name, TimeToLiveSpecification=attribute)
        except ClientError as error:
            # Not every engine has it; the timer `cleanup_expired` removes the rows as well.
            if error.response["Error"]["Code"] not in ("UnknownOperationException", "NotImplemented"):
                raise


def table_definition(spec: TableSpec) -> dict[str, Any]:
    """The arguments of CreateTable, but for the name."""
    kinds = {"pk": "S", "sk": "S"}
    for index in spec.indexes:
        kinds |= {index.partition: "S", index.sort: "N" if index.numeric else "S"}
    definition: dict[str, Any] = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()],
        "KeySchema": _schema("pk", "sk"),
    }
    if spec.indexes:
        definition["GlobalSecondaryIndexes"] = [_index(index) for index in spec.indexes]
    return definition


def _index(index: Index) -> dict[str, Any]:
    schema = _schema(index.partition, index.sort)
    return {"IndexName": index.name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _make_queue(sqs: Any, prefix: str, spec: QueueSpec) -> None:
    """CreateQueue gives the queue that is there when its attributes are the same, so they are set apart."""
    visibility = str(spec.visibility)
    dead = sqs.create_queue(QueueName=prefix + dead_letters(spec.name))["QueueUrl"]
    sqs.set_queue_attributes(
        QueueUrl=dead, Attributes={"VisibilityTimeout": visibility, "MessageRetentionPeriod": _KEPT}
    )
    found = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]
    policy = {"deadLetterTargetArn": found["QueueArn"], "maxReceiveCount": str(spec.max_receives)}
    queue = sqs.create_queue(QueueName=prefix + spec.name)["QueueUrl"]
    attributes = {
        "VisibilityTimeout": visibility,
        "MessageRetentionPeriod": _KEPT,
        "RedrivePolicy": json.dumps(policy),
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=attributes)
