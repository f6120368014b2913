"""The stack: built, deployed and deleted by the SAM command line, as on AWS."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import boto3

from localstack.folder import Folder
from mailit.stores.tables import TABLES
from tools.bundle.api import gateway_responses
from tools.bundle.template import STAGE

STACK = "mailit"
# Never the user's own: an emulator takes any, and nothing here is to reach AWS.
CREDENTIALS: Mapping[str, str] = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class SamFailed(Exception):
    """A command of SAM failed; its output says why."""


class Stack:
    """One stack on one endpoint."""

    def __init__(self, root: Path, folder: Folder, endpoint: str) -> None:
        self._root = root
        self._folder = folder
        self.endpoint = endpoint
        self.environment = {
            **_without(os.environ, "AWS_PROFILE", "AWS_SESSION_TOKEN"),
            **CREDENTIALS,
            "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
            "AWS_ENDPOINT_URL": endpoint,
            "SAM_CLI_TELEMETRY": "0",
            # The emulator runs functions on its own interpreter.
            "MAILIT_LAYER_FOR": "here",
            "PYTHON": os.environ.get("MAILIT_EMULATOR_PYTHON") or str(root / ".venv-emulator/bin/python"),
        }
        self.region = self.environment["AWS_DEFAULT_REGION"]
        self._build = folder.path / "build"

    def deploy(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """Its outputs. Parameters go through a file: command lines are for everybody to read."""
        overrides = " ".join(f'{name}=\\"{value}\\"' for name, value in parameters.items())
        self._folder.write(
            self._folder.choices, f'version = 0.1\n[default.deploy.parameters]\nparameter_overrides = "{overrides}"'
        )
        self._sam("build", "--build-dir", str(self._build), "--cached", "--cache-dir", str(self._folder.path / "cache"))
        self._sam(
            "deploy",
            *("--config-file", str(self._folder.choices)),
            *("--template-file", str(self._build / "template.yaml")),
            *("--stack-name", STACK, "--resolve-s3", "--capabilities", "CAPABILITY_IAM"),
            *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"),
        )
        outputs = self.outputs()
        self._own_answers(outputs["RestApiId"])
        return outputs

    def _own_answers(self, api: str) -> None:
        """MiniStack does not take gateway responses from the definition of an API; AWS does."""
        client = self._session().client("apigateway", endpoint_url=self.endpoint)
        for kind, answer in gateway_responses().items():
            client.put_gateway_response(
                restApiId=api, responseType=kind, **{**answer, "statusCode": str(answer["statusCode"])}
            )
        client.create_deployment(restApiId=api, stageName=STAGE)

    def _session(self) -> boto3.session.Session:
        return boto3.session.Session(
            self.environment["AWS_ACCESS_KEY_ID"],
            self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.region,
        )

    def outputs(self) -> dict[str, str]:
        """By key; empty when there is no stack."""
        found = self._run("list", "stack-outputs", "--stack-name", STACK, "--output", "json", quiet=True)
        if found.returncode:
            return {}
        return {one["OutputKey"]: one["OutputValue"] for one in json.loads(found.stdout)}

    def delete(self) -> None:
        """The stack, and what it keeps when it goes: on an emulator nobody needs it."""
        outputs = self.outputs()
        if not outputs:
            return
        self._sam("delete", "--stack-name", STACK, "--no-prompts")
        session = self._session()
        tables = session.client("dynamodb", endpoint_url=self.endpoint)
        there = {name for page in tables.get_paginator("list_tables").paginate() for name in page["TableNames"]}
        for name in there & {outputs["Prefix"] + spec.name for spec in TABLES}:
            tables.delete_table(TableName=name)
        bucket = session.resource("s3", endpoint_url=self.endpoint).Bucket(outputs["Bucket"])
        if bucket.creation_date is not None:
            bucket.objects.all().delete()
            bucket.delete()

    def _sam(self, *arguments: str) -> None:
        done = self._run(*arguments)
        if done.returncode:
            raise SamFailed(f"sam {arguments[0]} failed:\n{done.stdout[-4000:]}")

    def _run(self, *arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
        sam = os.environ.get("MAILIT_SAM") or str(self._root / ".venv-sam/bin/sam")
        return subprocess.run(  # noqa: S603 - SAM, with our own arguments
            [sam, *arguments, "--region", self.region] if arguments[0] != "build" else [sam, *arguments],
            cwd=self._root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else subprocess.STDOUT,
            text=True,
            check=False,
        )


def _without(environment: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in names}
