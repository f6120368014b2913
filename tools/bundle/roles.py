"""Who may do what: a role per resource of the API, one per worker, one for the API itself, a policy for the edge."""

from __future__ import annotations

from collections.abc import Iterable

from tools.bundle import names
from tools.bundle.model import Bundle
from tools.bundle.names import Node, arn, sub
from tools.bundle.rights import ROOT, Rights, rights_of

_ROWS = [
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "DescribeTable",
    "GetItem",
    "PutItem",
    "Query",
    "UpdateItem",
]
_PUT = ["GetQueueAttributes", "GetQueueUrl", "SendMessage"]
_TAKE = ["ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "ReceiveMessage"]
_ASK = ["GetQueueAttributes", "GetQueueUrl"]
_OBJECTS = ["DeleteObject", "GetObject", "PutObject"]

EDGE = "EdgePolicy"
API = "ApiRole"


def role_of_resource(folder: str) -> str:
    """Logical id of the role of a resource's functions."""
    return f"{names.camel(folder)}Role"


def role_of_worker(name: str) -> str:
    """Logical id of a worker's role."""
    return f"{names.worker(name)}Role"


def roles(bundle: Bundle) -> Node:
    """All roles, and the edge's policy."""
    made: Node = {}
    for resource in bundle.resources:
        rights = rights_of((ROOT / "functions" / resource).glob("*.py"))
        made[role_of_resource(resource)] = _role(_statements(bundle, rights, ()))
    for name, queues in [
        *((spec.name, spec.queues) for spec in bundle.workers),
        *((t.name, ()) for t in bundle.timers),
    ]:
        rights = rights_of([ROOT / "functions/workers" / f"{name}.py"])
        made[role_of_worker(name)] = _role(_statements(bundle, rights, queues))
    return {**made, API: _api_role(), EDGE: _edge(bundle)}


def _statements(bundle: Bundle, rights: Rights, takes: Iterable[str]) -> list[Node]:
    indexed = {spec.name for spec in bundle.tables if spec.indexes}
    rows: list[Node] = []
    for name in sorted(rights.tables):
        rows.append(arn(names.table(name)))
        if name in indexed:
            rows.append(sub(f"${{{names.table(name)}.Arn}}/index/*"))
    found = [_allow("dynamodb", _ROWS, rows)]
    found.append(_allow("sqs", _PUT, [arn(names.queue(name)) for name in sorted(rights.queues)]))
    found.append(_allow("sqs", _TAKE, [arn(names.queue(name)) for name in takes]))
    if rights.watches:
        every = [of(spec.name) for spec in bundle.queues for of in (names.queue, names.dead_letters)]
        found.append(_allow("sqs", _ASK, [arn(name) for name in every]))
    if rights.blobs:
        found.append(_allow("s3", _OBJECTS, [sub("${Blobs.Arn}/*")]))
        # Without it an object that is not there answers 403 instead of 404.
        found.append(_allow("s3", ["ListBucket"], [arn("Blobs")]))
    return [statement for statement in found if statement["Resource"]]


def _allow(service: str, actions: list[str], resources: list[Node]) -> Node:
    return {"Effect": "Allow", "Action": [f"{service}:{action}" for action in actions], "Resource": resources}


def _role(statements: list[Node], principal: str = "lambda.amazonaws.com") -> Node:
    if principal.startswith("lambda"):
        logs = {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [arn("Logs")],
        }
        statements = [logs, *statements]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": _policy(
                [{"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}]
            ),
            "Policies": [{"PolicyName": "mailit", "PolicyDocument": _policy(statements)}],
        },
    }


def _api_role() -> Node:
    """API Gateway calls the functions in this role: one resource, where permissions would be one per function. By
    prefix: a role's policies have room for 10,240 characters, less than a hundred names take."""
    functions = sub("arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-*")
    return _role([_allow("lambda", ["InvokeFunction"], [functions])], "apigateway.amazonaws.com")


def _edge(bundle: Bundle) -> Node:
    rights = rights_of((ROOT / "smtp-edge/edge").rglob("*.py"))
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "Description": "What the SMTP edge needs, for the role of its container or machine.",
            "PolicyDocument": _policy(_statements(bundle, rights, bundle.edge_queues)),
        },
    }


def _policy(statements: list[Node]) -> Node:
    return {"Version": "2012-10-17", "Statement": statements}
