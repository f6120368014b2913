"""Tables, queues with their dead letters, and the bucket of blobs."""

from __future__ import annotations

from tools.bundle import names
from tools.bundle.model import Bundle
from tools.bundle.names import Node, arn, ref, sub

_KEEP_DEAD = 14 * 86400  # the longest SQS allows: somebody has to look at them
_KEEP = 14 * 86400
_TEMPORARY = {"limits", "sandbox"}  # counters, idempotency records, a developer's mailbox


def storage(bundle: Bundle) -> Node:
    """All of it."""
    resources: Node = {}
    for spec in bundle.tables:
        fields = ["pk", "sk", *(name for index in spec.indexes for name in (index.partition, index.sort))]
        resources[names.table(spec.name)] = {
            "Type": "AWS::DynamoDB::Table",
            **_kept("Delete" if spec.name in _TEMPORARY else "Retain"),
            "Properties": {
                "TableName": sub(f"${{AWS::StackName}}-{spec.name}"),
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    {"AttributeName": name, "AttributeType": "S"} for name in dict.fromkeys(fields)
                ],
                "KeySchema": _key("pk", "sk"),
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": ref("PointInTimeRecovery")},
                **_indexes([(index.name, _key(index.partition, index.sort)) for index in spec.indexes]),
                **_expiry(spec.expires),
            },
        }
    for queue in bundle.queues:
        dead = names.dead_letters(queue.name)
        resources[names.queue(queue.name)] = _queue(
            queue.name,
            {
                "VisibilityTimeout": queue.visibility,
                "MessageRetentionPeriod": _KEEP,
                "RedrivePolicy": {"deadLetterTargetArn": arn(dead), "maxReceiveCount": queue.max_receives},
            },
        )
        resources[dead] = _queue(f"{queue.name}-dlq", {"MessageRetentionPeriod": _KEEP_DEAD})
    return {**resources, **_BUCKET}


def _kept(policy: str) -> Node:
    return {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}


def _key(partition: str, sort: str) -> list[Node]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _indexes(found: list[tuple[str, list[Node]]]) -> Node:
    if not found:
        return {}
    made = [{"IndexName": name, "KeySchema": key, "Projection": {"ProjectionType": "ALL"}} for name, key in found]
    return {"GlobalSecondaryIndexes": made}


def _expiry(field: str | None) -> Node:
    return {"TimeToLiveSpecification": {"AttributeName": field, "Enabled": True}} if field else {}


def _queue(name: str, properties: Node) -> Node:
    # Jobs carry mail. A queue that goes away with its stack takes jobs with it, which `release_due` makes again.
    return {
        "Type": "AWS::SQS::Queue",
        **_kept("Delete"),
        "Properties": {
            "QueueName": sub(f"${{AWS::StackName}}-{name}"),
            "SqsManagedSseEnabled": True,
            **properties,
        },
    }


_BUCKET: Node = {
    "Blobs": {
        "Type": "AWS::S3::Bucket",
        **_kept("Retain"),
        "Properties": {
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "Id": "abandoned-uploads",
                        "Status": "Enabled",
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                    }
                ]
            },
        },
    },
    "BlobsPolicy": {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": ref("Blobs"),
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "TlsOnly",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": [arn("Blobs"), sub("${Blobs.Arn}/*")],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ],
            },
        },
    },
}
