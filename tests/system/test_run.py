"""`make run`: one command, one ready line, and what happens when it is stopped, killed or started twice."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.parts.deadline import wait_for
from tests.parts.running import ROOT, Running

MAIL = {"from": "onboarding@resend.dev", "to": "delivered@resend.dev", "subject": "Hello", "html": "<p>Hi</p>"}


def call(running: Running, path: str, body: Any = None, **headers: str) -> Any:
    request = urllib.request.Request(
        running.api + path,
        None if body is None else json.dumps(body).encode(),
        {
            "Authorization": f"Bearer {running.key}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def delivered(running: Running, email_id: str) -> bool:
    return bool(call(running, f"/emails/{email_id}")["last_event"] == "delivered")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_ready_line_says_all_that_a_script_needs(tmp_path: Path) -> None:
    with Running(tmp_path / "data") as running:
        (line,) = (line for line in running.log().splitlines() if line.startswith("ready "))
        told = dict(word.split("=", 1) for word in line.split()[1:])
        assert list(told) == ["api", "key", "smtp", "inbox"]
        file = running.data / "ready.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert {name: value for name, value in json.loads(file.read_text()).items() if name != "pids"} == told
        (command,) = running.log().split("Try:")[1].split("and see")[0].strip().split("\n\n")
        answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=10, check=True)
        email_id = json.loads(answer.stdout)["id"]
        wait_for(lambda: delivered(running, email_id), within=2, what="delivery")
        inbox = call(running, "/sandbox/messages")["data"]
        assert [item["message_id"] for item in inbox] == [f"<{email_id}@resend.dev>"]
        host, port = told["smtp"].split(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            assert connection.recv(4) == b"220 "
        for path in ("api-key", "master.key", "mailit.db"):
            assert (
                not (running.data / path).stat().st_mode & 0o077 or stat.S_IMODE(running.data.stat().st_mode) == 0o700
            )


def test_an_email_survives_kill_9_of_everything(tmp_path: Path) -> None:
    with Running(tmp_path / "data") as running:
        before = running.key
        email_id = call(running, "/emails", MAIL)["id"]
        wait_for(lambda: delivered(running, email_id), within=5, what="delivery")
        later = call(running, "/emails", {**MAIL, "scheduled_at": "in 1 hour"})["id"]
        pids = running.processes()
        assert len(pids) >= 6
        running.kill_all()
        wait_for(lambda: not any(map(alive, pids)), within=10, what="the end of all processes")
        running.start()
        assert running.key == before
        assert delivered(running, email_id)
        assert call(running, f"/emails/{later}")["last_event"] == "scheduled"
        again = call(running, "/emails", MAIL)["id"]
        wait_for(lambda: delivered(running, again), within=5, what="delivery")


def test_ctrl_c_ends_everything_and_leaves_the_ports_free(tmp_path: Path) -> None:
    running = Running(tmp_path / "data")
    pids = running.processes()
    started = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - started < 10
    assert not any(map(alive, pids))
    assert not (running.data / "ready.json").exists()
    for name in ("MAILIT_API_PORT", "MAILIT_SMTP_PORT"):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", int(running.environment[name])))


def test_a_killed_child_is_started_again(tmp_path: Path) -> None:
    with Running(tmp_path / "data") as running:
        os.kill(running.ready["pids"]["edge"], 9)
        email_id = call(running, "/emails", MAIL)["id"]
        wait_for(lambda: delivered(running, email_id), within=15, what="delivery")


def test_a_second_copy_runs_beside_the_first_and_none_on_its_folder_or_ports(tmp_path: Path) -> None:
    with Running(tmp_path / "one") as one, Running(tmp_path / "two") as two:
        email_id = call(two, "/emails", MAIL)["id"]
        wait_for(lambda: delivered(two, email_id), within=5, what="delivery")
        assert call(one, "/emails")["data"] == []
        for changed, complaint in (
            ({"MAILIT_DATA": str(tmp_path / "three")}, "MAILIT_API_PORT"),
            ({"MAILIT_API_PORT": two.environment["MAILIT_API_PORT"]}, "another MailIt runs on the data folder"),
        ):
            again = subprocess.run(
                [sys.executable, "-m", "gateway", "up"],
                cwd=ROOT,
                env={**one.environment, **changed},
                capture_output=True,
                text=True,
                timeout=30,
            )
            assert again.returncode == 1
            assert complaint in again.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAILIT_API_PORT", "eighty"),
        ("MAILIT_OUTBOUND", "maybe"),
        ("MAILIT_RETRY_SCHEDULE", "soon"),
        ("MAILIT_MASTER_KEY", "short"),
        ("MAILIT_RESOLVER", "my.dns"),
        ("MAILIT_ALLOW_NETWORKS", "home"),
        ("MAILIT_HOSTNAME", "my host"),
        ("MAILIT_LEASE", "0"),
        ("MAILIT_RATE_SEND", "none"),
    ],
)
def test_a_bad_setting_is_named(tmp_path: Path, name: str, value: str) -> None:
    environment = {**os.environ, "MAILIT_DATA": str(tmp_path / "data"), name: value}
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "up"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1
    assert name in done.stderr


def test_a_scheduled_email_goes_at_its_time_and_at_most_5_s_after(tmp_path: Path) -> None:
    with Running(tmp_path / "data") as running:
        moment = datetime.now(UTC) + timedelta(seconds=2)
        email_id = call(running, "/emails", {**MAIL, "scheduled_at": moment.isoformat()})["id"]
        wait_for(lambda: delivered(running, email_id), within=10, what="delivery")
        (caught,) = call(running, "/sandbox/messages")["data"]
        late = datetime.fromisoformat(caught["received_at"]) - moment
        assert timedelta(0) <= late <= timedelta(seconds=5)


def test_50_requests_at_once_with_one_idempotency_key_make_one_email(tmp_path: Path) -> None:
    with Running(tmp_path / "data") as running:

        def once(_: int) -> str | None:
            try:
                return str(call(running, "/emails", MAIL, Idempotency_Key="one")["id"])
            except urllib.error.HTTPError as error:
                with error:
                    assert json.load(error)["name"] == "concurrent_idempotent_requests"  # noqa: PT017
                return None

        with ThreadPoolExecutor(50) as pool:
            ids = set(pool.map(once, range(50))) - {None}
        assert len(ids) == 1
        assert [item["id"] for item in call(running, "/emails")["data"]] == list(ids)


def test_nothing_secret_is_logged(tmp_path: Path) -> None:
    with Running(tmp_path / "data") as running:
        email_id = call(running, "/emails", {**MAIL, "subject": "a secret subject"})["id"]
        wait_for(lambda: delivered(running, email_id), within=5, what="delivery")
        logs = "".join(running.logs(name) for name in ("gateway", "triggers", "edge"))
        assert email_id in logs
        for secret in (running.key, (running.data / "master.key").read_text().strip(), "secret subject", "delivered@"):
            assert secret not in logs
