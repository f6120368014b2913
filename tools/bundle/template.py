"""The AWS SAM application."""

from __future__ import annotations

from tools.bundle.api import definition
from tools.bundle.functions import GLOBALS, functions
from tools.bundle.model import Bundle
from tools.bundle.names import Node, ref, sub
from tools.bundle.parameters import CONDITIONS, ENVIRONMENT, PARAMETERS
from tools.bundle.roles import EDGE, roles
from tools.bundle.storage import storage

STAGE = "prod"

_SHARED: Node = {
    "Logs": {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
        "Properties": {"LogGroupName": sub("/mailit/${AWS::StackName}"), "RetentionInDays": ref("LogRetention")},
    },
    "MailItLayer": {
        "Type": "AWS::Serverless::LayerVersion",
        "Metadata": {"BuildMethod": "makefile"},
        "Properties": {
            "LayerName": sub("${AWS::StackName}-mailit"),
            "ContentUri": "layers/mailit/",
            "CompatibleRuntimes": ["python3.13"],
            "RetentionPolicy": "Delete",
        },
    },
    "DepsLayer": {
        "Type": "AWS::Serverless::LayerVersion",
        "Metadata": {"BuildMethod": "makefile"},
        "Properties": {
            "LayerName": sub("${AWS::StackName}-deps"),
            "ContentUri": "layers/deps/",
            "CompatibleRuntimes": ["python3.13"],
            "RetentionPolicy": "Delete",
        },
    },
}


def template(bundle: Bundle) -> Node:
    """The whole document."""
    function_globals = {**GLOBALS["Function"], "Environment": {"Variables": ENVIRONMENT}}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Description": "MailIt: self-hosted mail with Resend's API",
        "Parameters": PARAMETERS,
        "Conditions": CONDITIONS,
        "Globals": {"Function": function_globals},
        "Resources": {
            "Api": {
                "Type": "AWS::Serverless::Api",
                "Properties": {
                    "Name": ref("AWS::StackName"),
                    "StageName": STAGE,
                    "OpenApiVersion": "3.0.1",
                    "EndpointConfiguration": {"Type": "REGIONAL"},
                    "DefinitionBody": definition(bundle.routes),
                },
            },
            **functions(bundle),
            **roles(bundle),
            **storage(bundle),
            **_SHARED,
        },
        "Outputs": {
            "ApiUrl": _output(
                "Base URL for the SDKs",
                sub(f"https://${{Api}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{STAGE}"),
            ),
            "RestApiId": _output("Id of the REST API", ref("Api")),
            "Prefix": _output("MAILIT_PREFIX of the edge", sub("${AWS::StackName}-")),
            "Bucket": _output("MAILIT_BUCKET of the edge", ref("Blobs")),
            "EdgePolicyArn": _output("Policy for the edge's role", ref(EDGE)),
        },
    }


def _output(description: str, value: Node) -> Node:
    return {"Description": description, "Value": value}


_MADE = {"AWS::Serverless::Api": 3}  # REST API, deployment, stage
_OF_EVENT = {"SQS": 1, "Schedule": 2}  # event source mapping; rule and permission


def resource_count(document: Node) -> int:
    """How many resources CloudFormation makes of it; a stack has 500 at most."""
    count = 0
    for resource in document["Resources"].values():
        events = resource.get("Properties", {}).get("Events", {})
        count += _MADE.get(resource["Type"], 1) + sum(_OF_EVENT[event["Type"]] for event in events.values())
    return count
