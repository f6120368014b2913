"""What is chosen at deployment, and the environment that the functions get from it."""

from __future__ import annotations

from tools.bundle.names import Node, ref, sub

_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 180, 365, 731]

PARAMETERS: Node = {
    "MasterKey": {
        "Type": "String",
        "NoEcho": True,
        "AllowedPattern": "[A-Za-z0-9+/]{43}=",
        "ConstraintDescription": "32 bytes in base64: openssl rand -base64 32",
        "Description": "32 bytes in base64. DKIM keys are encrypted under it; nobody can read them without it.",
    },
    "HostName": {
        "Type": "String",
        "Default": "localhost",
        "Description": "The SMTP edge's public name, for EHLO, MX and SPF. Has to be set to deliver to the world.",
    },
    "Outbound": {
        "Type": "String",
        "Default": "sandbox",
        "AllowedValues": ["sandbox", "direct"],
        "Description": "direct delivers to the recipients' MX; sandbox keeps all mail in the sandbox mailbox.",
    },
    "Spf": {
        "Type": "String",
        "Default": "",
        "Description": "SPF mechanisms that name the edge's addresses, such as ip4:192.0.2.1. Empty is a:<HostName>.",
    },
    "RateDefault": {"Type": "Number", "Default": 10, "MinValue": 1, "Description": "Requests a second, per team."},
    "RateSend": {"Type": "Number", "Default": 2, "MinValue": 1, "Description": "Emails sent a second, per team."},
    "RateBatch": {"Type": "Number", "Default": 1, "MinValue": 1, "Description": "Batches sent a second, per team."},
    "LogRetention": {"Type": "Number", "Default": 30, "AllowedValues": _DAYS, "Description": "Days logs are kept."},
    "Memory": {
        "Type": "Number",
        "Default": 512,
        "MinValue": 256,
        "MaxValue": 3008,
        "Description": "MB of each function. CPU comes with it.",
    },
    "PointInTimeRecovery": {
        "Type": "String",
        "Default": "true",
        "AllowedValues": ["true", "false"],
        "Description": "Continuous backups of the tables, for 35 days. Billed by size.",
    },
    "AwsEndpoint": {
        "Type": "String",
        "Default": "",
        "Description": "Endpoint URL of a LocalStack-compatible emulator, as the functions see it. Empty on AWS.",
    },
}

CONDITIONS: Node = {
    "HasSpf": {"Fn::Not": [{"Fn::Equals": [ref("Spf"), ""]}]},
    "HasEndpoint": {"Fn::Not": [{"Fn::Equals": [ref("AwsEndpoint"), ""]}]},
}

ENVIRONMENT: Node = {
    "MAILIT_ENGINE": "aws",
    "MAILIT_PREFIX": sub("${AWS::StackName}-"),
    "MAILIT_BUCKET": ref("Blobs"),
    "MAILIT_AWS_ENDPOINT": {"Fn::If": ["HasEndpoint", ref("AwsEndpoint"), ref("AWS::NoValue")]},
    "MAILIT_MASTER_KEY": ref("MasterKey"),
    "MAILIT_HOSTNAME": ref("HostName"),
    "MAILIT_OUTBOUND": ref("Outbound"),
    "MAILIT_SPF": {"Fn::If": ["HasSpf", ref("Spf"), ref("AWS::NoValue")]},
    "MAILIT_RATE_DEFAULT": ref("RateDefault"),
    "MAILIT_RATE_SEND": ref("RateSend"),
    "MAILIT_RATE_BATCH": ref("RateBatch"),
}
