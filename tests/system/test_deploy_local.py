"""The real template on an emulator: deployed, used, deployed again, gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.parts.deadline import wait_for
from tests.parts.ministack import emulator_python
from tests.parts.program import missing
from tests.parts.running import ROOT, SOURCES

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

_COMMAND = "import sys; from pathlib import Path; from localstack.deployment import Deployment; "
_COMMAND += "getattr(Deployment(Path(sys.argv[1]), Path(sys.argv[2])), sys.argv[3])()"


class Deployed:
    """A local deployment in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, what: str) -> str:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAILIT_"))}
        done = subprocess.run(
            [sys.executable, "-c", _COMMAND, ROOT, self._folder, what],
            env={**inherited, "PYTHONPATH": SOURCES, "MAILIT_EMULATOR_PYTHON": str(emulator_python())},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    @property
    def ready(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self._folder / "ready.json").read_text())
        return found

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.ready['key']}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        try:
            with urlopen(Request(self.ready["api"] + path, data, headers, method=method), timeout=60) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    if not (ROOT / ".venv-sam/bin/sam").exists():
        missing("the SAM command line is not set up: make sam")
    made = Deployed(tmp_path_factory.mktemp("local") / "local")
    try:
        made.run("up")
        yield made
    finally:
        made.run("down")
    assert not made._folder.exists()


def test_an_email_is_accepted_and_dispatched_by_functions(deployed: Deployed) -> None:
    fields = {"from": "onboarding@resend.dev", "to": "delivered@resend.dev", "subject": "Hello", "text": "Hi."}
    status, answer = deployed.request("POST", "/emails", fields)
    assert status == 200
    path = f"/emails/{answer['id']}"
    wait_for(lambda: deployed.request("GET", path)[1]["last_event"] == "sent", within=60, what="its dispatch")


def test_the_engine_is_healthy(deployed: Deployed) -> None:
    status, answer = deployed.request("GET", "/healthz")
    assert (status, answer["engine"]) == (200, "aws")


@pytest.mark.parametrize("call", ["GET /nothing", "GET /nothing/at/all", "POST /healthz"])
def test_what_is_not_there_has_resends_shape(deployed: Deployed, call: str) -> None:
    """An unknown method is 404 here and 405 on AWS: MiniStack knows no mocks for it."""
    status, answer = deployed.request(*call.split())
    assert (status, answer["statusCode"], answer["name"]) == (404, 404, "not_found")


def test_secrets_are_for_their_owner_alone(deployed: Deployed) -> None:
    for name in ("ready.json", "master.key", "samconfig.toml", "emulator.json"):
        assert (deployed._folder / name).stat().st_mode & 0o077 == 0


def test_deploying_again_keeps_key_and_mail(deployed: Deployed) -> None:
    before = deployed.ready
    deployed.run("up")
    assert deployed.ready["key"] == before["key"]
    assert deployed.request("GET", "/emails")[1]["data"]
