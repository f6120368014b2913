"""The official SDKs, with nothing changed but the base URL, against a running MailIt."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, cast

import pytest
import resend
from resend.exceptions import ResendError

from tests.parts.deadline import wait_for
from tests.parts.ministack import MiniStack
from tests.parts.on_aws import settings_at
from tests.parts.ports import free_port
from tests.parts.program import missing
from tests.parts.running import ROOT, Running

MAIL: dict[str, Any] = {
    "from": "Acme <onboarding@resend.dev>",
    "to": ["delivered@resend.dev"],
    "subject": "Hello",
    "html": "<b>Hi</b>",
}
MISSING = "01a20ce2-04e6-7000-869d-bd98f167a3d5"


@pytest.fixture(scope="module", params=["embedded", "aws"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    # A name server that is not there: look-ups fail at once instead of leaving the machine.
    settings = {"MAILIT_RESOLVER": f"127.0.0.1:{free_port()}"}
    with ExitStack() as parts:
        if request.param == "aws":
            emulator = parts.enter_context(MiniStack(tmp_path_factory.mktemp("ministack")))
            settings |= settings_at(emulator.endpoint)
        made = parts.enter_context(Running(tmp_path_factory.mktemp("sdk") / "data", settings))
        resend.api_key, resend.api_url = made.key, made.api
        yield made


def send(**fields: Any) -> str:
    return str(resend.Emails.send(cast(Any, {**MAIL, **fields}))["id"])


def last_event(email_id: str) -> str:
    return str(resend.Emails.get(email_id)["last_event"])


def reaches(email_id: str, event: str) -> None:
    wait_for(lambda: last_event(email_id) == event, within=10, what=f"{event} (it is {last_event(email_id)})")


def refused(status: int, name: str) -> Any:
    return pytest.raises(ResendError, check=lambda error: (int(error.code), error.error_type) == (status, name))


def test_python_emails(running: Running) -> None:
    sent = send(
        cc="carl@resend.dev",
        reply_to="desk@resend.dev",
        tags=[{"name": "kind", "value": "test"}],
        headers={"X-Entity-Ref-ID": "1"},
        attachments=[{"filename": "a.txt", "content": list(b"attached")}],
    )
    reaches(sent, "delivered")
    email = resend.Emails.get(sent)
    assert (email["to"], email["reply_to"], email["html"]) == (MAIL["to"], ["desk@resend.dev"], "<b>Hi</b>")
    later = resend.Emails.list({"limit": 1})
    assert later["data"][0]["id"] == sent
    scheduled = send(scheduled_at="in 1 hour")
    assert resend.Emails.update({"id": scheduled, "scheduled_at": "in 2 hours"})["id"] == scheduled
    assert resend.Emails.cancel(scheduled)["id"] == scheduled
    assert last_event(scheduled) == "canceled"
    with refused(404, "not_found"):
        resend.Emails.get(MISSING)
    with refused(403, "validation_error"):
        send(**{"from": "a@elsewhere.test"})
    with refused(422, "missing_required_field"):
        resend.Emails.send(cast(Any, {"from": MAIL["from"], "to": MAIL["to"], "html": "x"}))


def test_python_idempotency(running: Running) -> None:
    options: Any = {"idempotency_key": "python-1"}
    first = resend.Emails.send(cast(Any, MAIL), options)
    assert resend.Emails.send(cast(Any, MAIL), options)["id"] == first["id"]
    with refused(409, "invalid_idempotent_request"):
        resend.Emails.send(cast(Any, {**MAIL, "subject": "Other"}), options)


@pytest.mark.parametrize("name", ["delivered", "bounced", "complained", "suppressed"])
def test_the_quick_starts_test_addresses_behave(running: Running, name: str) -> None:
    reaches(send(to=f"{name}@resend.dev"), name)


def test_python_batch(running: Running) -> None:
    answer = resend.Batch.send(cast(Any, [MAIL, {**MAIL, "subject": "Second"}]))
    reaches(answer["data"][1]["id"], "delivered")
    mixed = resend.Batch.send(
        cast(Any, [MAIL, {**MAIL, "to": "broken"}]), cast(Any, {"batch_validation": "permissive"})
    )
    assert (len(mixed["data"]), [fault["index"] for fault in mixed["errors"]]) == (1, [1])
    with refused(422, "validation_error"):
        resend.Batch.send(cast(Any, [MAIL, {**MAIL, "to": "broken"}]))


def test_python_api_keys(running: Running) -> None:
    made = resend.ApiKeys.create({"name": "Python", "permission": "sending_access"})
    assert any(key["id"] == made["id"] for key in resend.ApiKeys.list()["data"])
    assert resend.ApiKeys.update({"id": made["id"], "name": "Renamed"})["id"] == made["id"]
    assert any(key["name"] == "Renamed" for key in resend.ApiKeys.list()["data"])
    resend.api_key = made["token"]
    try:
        send()
        with refused(401, "restricted_api_key"):
            resend.Domains.list()
    finally:
        resend.api_key = running.key
    resend.ApiKeys.remove(made["id"])
    with refused(404, "not_found"):
        resend.ApiKeys.remove(made["id"])


def test_python_domains(running: Running) -> None:
    made = resend.Domains.create({"name": "python.test"})
    assert made["status"] == "not_started"
    assert [record["record"] for record in made["records"]] == ["DKIM", "DKIM", "SPF", "SPF", "DMARC"]
    assert resend.Domains.get(made["id"])["name"] == "python.test"
    assert any(domain["id"] == made["id"] for domain in resend.Domains.list()["data"])
    resend.Domains.update(cast(Any, {"id": made["id"], "tls": "enforced", "click_tracking": True}))
    assert resend.Domains.get(made["id"])["click_tracking"] is True
    resend.Domains.verify(made["id"])
    assert resend.Domains.get(made["id"])["status"] != "not_started"
    resend.Domains.remove(made["id"])
    with refused(404, "not_found"):
        resend.Domains.get(made["id"])


def test_node(running: Running) -> None:
    node = shutil.which("node") or ""
    folder = ROOT / "tests" / "sdk" / "node"
    if not node or not (folder / "node_modules" / "resend").is_dir():
        missing("the npm package is not installed: `make test` does it, and needs Node: apt-get install nodejs npm")
    env = {**os.environ, "RESEND_BASE_URL": running.api, "RESEND_API_KEY": running.key}
    done = subprocess.run([node, "resend.mjs"], cwd=folder, env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "ok"), done.stderr


def test_the_sandbox_shows_what_was_sent(running: Running) -> None:
    import json
    import urllib.request

    sent = send(to="reader@example.net", subject="Für Sie", html="<p>Guten Tag</p>")
    reaches(sent, "delivered")
    with urllib.request.urlopen(running.ready["inbox"]) as response:
        caught = next(item for item in json.load(response)["data"] if item["message_id"] == f"<{sent}@resend.dev>")
    assert (caught["rcpt_to"], caught["subject"]) == (["reader@example.net"], "Für Sie")
    assert "Guten Tag" in caught["text"]
    assert "<p>Guten Tag</p>" in caught["html"]
    with urllib.request.urlopen(f"{running.ready['inbox']}/{caught['id']}") as response:
        assert json.load(response)["raw"].startswith("DKIM-Signature: v=1; a=rsa-sha256")
