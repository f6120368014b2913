"""Up: emulator, stack, account and key. Down: all of it gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from localstack.emulator import Emulator, NotStarted
from localstack.folder import Folder
from localstack.stack import SamFailed, Stack
from mailit import wiring
from mailit.domain.errors import PortError
from mailit.wiring.seed import seed
from mailit.wiring.settings import BadSetting, load
from tools.bundle.template import STAGE


class Failed(Exception):
    """Why there is no deployment."""


class Deployment:
    """One emulator, one stack; what is known of them is kept in `folder`."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._folder = Folder(folder)
        self._emulator = Emulator(root, self._folder)

    def up(self) -> None:
        """Deploy anew what changed; an API key that works is kept."""
        self._folder.make()
        try:
            stack = Stack(self._root, self._folder, _given_endpoint() or self._emulator.start())
            _say(f"The emulator is at {stack.endpoint}. Building and deploying takes a minute …")
            outputs = stack.deploy(self._parameters(stack.endpoint))
        except (NotStarted, SamFailed) as error:
            raise Failed(str(error)) from error
        api = f"{stack.endpoint}/_aws/execute-api/{outputs['RestApiId']}/{STAGE}"
        environment = self._environment(stack, outputs)
        key = str(self._folder.read(self._folder.ready).get("key") or "")
        if not key or not _works(api, key):
            key = _seed(environment)
        self._folder.note(
            self._folder.ready,
            {"api": api, "key": key, "endpoint": stack.endpoint, "environment": environment},
        )
        _say(f"ready api={api} key={key}")

    def down(self) -> None:
        """Nothing of it is left."""
        endpoint = self._folder.read(self._folder.ready).get("endpoint") or _given_endpoint()
        if endpoint:
            try:
                Stack(self._root, self._folder, str(endpoint)).delete()
            except SamFailed as error:
                _say(str(error))
        self._emulator.stop()
        self._folder.remove()

    def _parameters(self, endpoint: str) -> dict[str, str]:
        return {"MasterKey": self._folder.master_key(), "AwsEndpoint": endpoint, "PointInTimeRecovery": "false"}

    def _environment(self, stack: Stack, outputs: Mapping[str, str]) -> dict[str, str]:
        """For whatever works on the same data outside the functions: the seed, the edge."""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
        return {
            **{name: stack.environment[name] for name in names},
            "MAILIT_ENGINE": "aws",
            "MAILIT_PREFIX": outputs["Prefix"],
            "MAILIT_BUCKET": outputs["Bucket"],
            "MAILIT_AWS_ENDPOINT": stack.endpoint,
            "MAILIT_MASTER_KEY": self._folder.master_key(),
        }


def _given_endpoint() -> str:
    return os.environ.get("MAILIT_AWS_ENDPOINT") or os.environ.get("AWS_ENDPOINT_URL") or ""


def _works(api: str, key: str) -> bool:
    try:
        with urlopen(Request(f"{api}/domains", headers={"Authorization": f"Bearer {key}"}), timeout=30) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except URLError:
        return False


def _seed(environment: Mapping[str, str]) -> str:
    os.environ.update(environment)  # the clients read their credentials there
    try:
        wired = wiring.build(load(environment))
        try:
            seeded = seed(wired.deps)
        finally:
            wired.engine.close()
    except (PortError, BadSetting) as error:
        raise Failed(f"the account could not be made: {error}") from error
    if seeded.password is not None:
        _say(f"The administrator is {seeded.email}, password {seeded.password} (shown this once).")
    return seeded.key


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
