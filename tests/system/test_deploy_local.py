"""The real template on an emulator: deployed, used, deployed again, gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest
import resend
from resend.exceptions import RateLimitError

from tests.parts.deadline import wait_for
from tests.parts.ministack import emulator_python
from tests.parts.on_aws import REGION
from tests.parts.ports import accepts, free_port
from tests.parts.program import Program, missing
from tests.parts.running import ROOT, SOURCES

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

T = TypeVar("T")

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


@pytest.fixture(scope="module")
def edge(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The edge's container as a process: outbound into its own sandbox server."""
    folder = tmp_path_factory.mktemp("edge")
    settings = {**deployed.ready["environment"], "MAILIT_SMTP_PORT": str(free_port()), "MAILIT_OUTBOUND": "sandbox"}
    variables = [f"{name}={value}" for name, value in settings.items()] + [f"PYTHONPATH={SOURCES}"]
    command = [sys.executable, "-m", "edge", "--roles", "outbound,sandbox"]
    program = Program(["/usr/bin/env", *variables, *command], folder)
    program.wait_until(lambda: accepts(int(settings["MAILIT_SMTP_PORT"])), within=30)
    resend.api_key, resend.api_url = deployed.ready["key"], deployed.ready["api"]
    yield
    program.close()


def mail(to: str = "delivered@resend.dev", **fields: Any) -> Any:
    return {"from": "Acme <onboarding@resend.dev>", "to": [to], "subject": "Hello", "html": "<p>Hi</p>", **fields}


def within_limits(call: Callable[[], T]) -> T:
    """The deployed rate limits are the usual ones."""

    def allowed() -> list[T] | None:
        try:
            return [call()]
        except RateLimitError:
            return None

    return wait_for(allowed, within=30, what="a turn")[0]


def send(fields: Any) -> str:
    return within_limits(lambda: str(resend.Emails.send(fields)["id"]))


def ends_as(email_id: str, event: str) -> None:
    def ended() -> bool:
        return within_limits(lambda: resend.Emails.get(email_id)["last_event"]) == event

    wait_for(ended, within=90, what=f"{email_id} to be {event}")


def test_mail_of_the_sdk_goes_through_functions_queues_and_edge(deployed: Deployed, edge: None) -> None:
    one = send(mail(subject="single"))
    soon = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()
    later = send(mail(subject="scheduled", scheduled_at=soon))
    many = [item["id"] for item in resend.Batch.send([mail(subject=f"batch {n}") for n in range(30)])["data"]]
    dead = send(mail("bounced@resend.dev"))
    for email_id in (one, later, *many):
        ends_as(email_id, "delivered")
    ends_as(dead, "bounced")
    subjects = [item["subject"] for item in deployed.request("GET", "/sandbox/messages?limit=100")[1]["data"]]
    subjects = [subject for subject in subjects if subject != "Hello"]  # sent before there was an edge
    assert sorted(subjects) == sorted(["single", "scheduled", *(f"batch {n}" for n in range(30))])


class Queues:
    """The deployed queues, by name."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._prefix = environment["MAILIT_PREFIX"]
        self._endpoint = environment["MAILIT_AWS_ENDPOINT"]
        self._session = boto3.session.Session(
            environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name=REGION
        )
        self._sqs = self.client("sqs")

    def client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint)

    def url(self, name: str) -> str:
        return str(self._sqs.get_queue_url(QueueName=self._prefix + name)["QueueUrl"])

    def hurry(self, name: str) -> None:
        """Two receives, seconds apart, instead of the many that the template allows."""
        names = ["RedrivePolicy"]
        found = self._sqs.get_queue_attributes(QueueUrl=self.url(name), AttributeNames=names)["Attributes"]
        policy = json.dumps({**json.loads(found["RedrivePolicy"]), "maxReceiveCount": "2"})
        self._sqs.set_queue_attributes(
            QueueUrl=self.url(name), Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "6"}
        )

    def put(self, name: str, body: str) -> None:
        self._sqs.send_message(QueueUrl=self.url(name), MessageBody=body)

    def bodies(self, name: str) -> list[str]:
        """What is in it now."""
        answer = self._sqs.receive_message(QueueUrl=self.url(name), MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [item["Body"] for item in answer.get("Messages", [])]


def test_poison_becomes_a_dead_letter_and_harms_nothing_else(deployed: Deployed, edge: None) -> None:
    queues = Queues(deployed.ready["environment"])
    queues.hurry("dispatch-critical")
    unknown = json.dumps({"team": "nobody", "email_id": str(uuid.uuid4()), "lane": "critical"})  # the function raises
    poison = ["this is no job", unknown]
    for body in poison:
        queues.put("dispatch-critical", body)
    sent = [send(mail(subject=f"beside poison {n}")) for n in range(5)]
    for email_id in sent:
        ends_as(email_id, "delivered")
    wait_for(
        lambda: sorted(queues.bodies("dispatch-critical-dlq")) == sorted(poison), within=90, what="two dead letters"
    )


def test_a_function_that_raises_loses_no_message_and_harms_no_other_function(deployed: Deployed, edge: None) -> None:
    queues = Queues(deployed.ready["environment"])
    queues.hurry("domain-checks")
    functions = queues.client("lambda")
    name = "mailit-workers-verify-domain"
    settings = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    broken = {**settings, "MAILIT_MASTER_KEY": "none"}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": broken})
    domain = within_limits(lambda: resend.Domains.create({"name": "raises.test"}))
    within_limits(lambda: resend.Domains.verify(domain["id"]))
    ends_as(send(mail(subject="meanwhile")), "delivered")
    wait_for(lambda: len(queues.bodies("domain-checks-dlq")) == 1, within=120, what="a dead letter")
    assert domain["id"] in queues.bodies("domain-checks-dlq")[0]


def test_secrets_are_for_their_owner_alone(deployed: Deployed) -> None:
    for name in ("ready.json", "master.key", "samconfig.toml", "emulator.json"):
        assert (deployed._folder / name).stat().st_mode & 0o077 == 0


def test_deploying_again_keeps_key_and_mail(deployed: Deployed) -> None:
    before = deployed.ready
    deployed.run("up")
    assert deployed.ready["key"] == before["key"]
    assert deployed.request("GET", "/emails")[1]["data"]
