"""The gateway on a real socket, and the processes behind `make run`: hostile clients, deaths and lost keys."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from tests.parts.deadline import wait_for
from tests.parts.ports import LOOPBACK
from tests.parts.running import ROOT, Running

pytestmark = pytest.mark.system

MAIL = json.dumps(
    {"from": "onboarding@resend.dev", "to": "delivered@resend.dev", "subject": "Hello", "text": "Hi."}
).encode()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("gateway") / "data") as made:
        yield made


def connect(running: Running) -> socket.socket:
    return socket.create_connection((LOOPBACK, int(running.environment["MAILIT_API_PORT"])), timeout=10)


def head(running: Running, *headers: str, request: str = "POST /emails HTTP/1.1") -> bytes:
    lines = [request, "Host: x", f"Authorization: Bearer {running.key}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def say(running: Running, *parts: bytes) -> bytes:
    """The beginning of what the server answers to these bytes."""
    with connect(running) as connection:
        for part in parts:
            connection.sendall(part)
        return connection.recv(64 * 1024)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def ask(running: Running, method: str, path: str, body: bytes | None = None) -> Any:
    connection = HTTPConnection(LOOPBACK, int(running.environment["MAILIT_API_PORT"]), timeout=10)
    try:
        connection.request(method, path, body, {"Authorization": f"Bearer {running.key}"})
        answer = connection.getresponse()
        assert answer.status == 200
        return json.load(answer)
    finally:
        connection.close()


def send(running: Running) -> str:
    return str(ask(running, "POST", "/emails", MAIL)["id"])


def delivered(running: Running, email_id: str) -> bool:
    return bool(ask(running, "GET", f"/emails/{email_id}")["last_event"] == "delivered")


def test_a_chunked_body_is_a_body(running: Running) -> None:
    assert status(say(running, head(running, "Transfer-Encoding: chunked"), chunked(MAIL[:10], MAIL[10:]))) == 200


def test_an_endless_chunked_body_is_cut_off(running: Running) -> None:
    with connect(running) as connection:
        connection.sendall(head(running, "Transfer-Encoding: chunked", request="POST /domains HTTP/1.1"))
        megabyte = chunked(b" " * 1024 * 1024)[:-5]
        for _ in range(11):
            connection.sendall(megabyte)
        answer = HTTPResponse(connection)
        answer.begin()
        assert (answer.status, json.loads(answer.read())["statusCode"]) == (413, 413)


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: +5"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: xchunked"],
        ["Content-Length : 5"],
    ],
)
def test_a_body_of_doubtful_length_is_refused_and_nothing_behind_it_is_a_request(
    running: Running, headers: list[str]
) -> None:
    smuggled = head(running, request="GET /emails HTTP/1.1")
    with connect(running) as connection:
        connection.sendall(head(running, *headers) + b"0\r\n\r\n" + smuggled)
        answers = b"".join(iter(lambda: connection.recv(64 * 1024), b""))
    assert answers.count(b"HTTP/1.1") == 1
    assert 400 <= status(answers) < 600


def test_headers_with_underscores_do_not_pass_for_ours(running: Running) -> None:
    forged = head(running).replace(b"Authorization:", b"Authorization_X: x\r\nX_Y: z\r\nauthorization:")
    assert status(say(running, forged.replace(b"POST /emails", b"GET /emails"))) == 200


def test_clients_that_send_half_a_request_hold_up_nobody(running: Running) -> None:
    with ExitStack() as stack:
        for _ in range(7):
            stack.enter_context(connect(running)).sendall(head(running, "Content-Length: 100") + b"{")
            stack.enter_context(connect(running))
        assert send(running)


def test_a_connection_is_kept_between_requests(running: Running) -> None:
    with connect(running) as connection:
        for _ in range(3):
            connection.sendall(head(running, f"Content-Length: {len(MAIL)}") + MAIL)
            answer = HTTPResponse(connection)
            answer.begin()
            assert (answer.status, set(json.loads(answer.read()))) == (200, {"id"})


def test_a_poller_that_dies_is_replaced(running: Running) -> None:
    triggers = running.ready["pids"]["triggers"]
    before = children(triggers)
    assert len(before) == 4
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not set(before) & set(children(triggers)), what="the end of the old pollers")
    wait_for(lambda: len(children(triggers)) == 4, what="new pollers")
    email_id = send(running)
    wait_for(lambda: delivered(running, email_id), within=10, what="delivery")


def test_pollers_end_with_their_parent(tmp_path: Path) -> None:
    with Running(tmp_path / "data") as running:
        before = running.ready["pids"]["triggers"]
        pollers = children(before)
        os.kill(before, signal.SIGKILL)
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pollers), what="the end of the pollers")

        def now() -> int:
            return int(json.loads((running.data / "ready.json").read_text())["pids"]["triggers"])

        wait_for(lambda: now() != before, what="the new process id in ready.json")
        email_id = send(running)
        wait_for(lambda: delivered(running, email_id), within=10, what="delivery")


def test_the_end_asked_for_right_after_the_start_leaves_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "MAILIT_DATA": str(tmp_path / "data"), "MAILIT_MASTER_KEY": "A" * 43 + "="}
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "triggers"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    pollers = wait_for(lambda: children(process.pid), what="a poller")
    process.terminate()
    assert process.wait(10) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pollers)


@contextmanager
def starting(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """`gateway up` from its first moment on; ended whatever the test does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "up"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_the_password_is_shown_even_if_the_first_start_is_broken_off(tmp_path: Path) -> None:
    with Running(tmp_path / "one") as running:
        environment = {**running.environment, "MAILIT_DATA": str(tmp_path / "two")}
    with starting(environment) as process:
        wait_for((tmp_path / "two" / "api-key").exists, within=30, what="the first key")
        process.terminate()
        told = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert "ready " not in told
    assert "password " in told


def test_after_kill_9_nothing_says_ready_before_it_is(tmp_path: Path) -> None:
    with Running(tmp_path / "data") as running:
        file = running.data / "ready.json"
        old = file.read_text()
        running.kill_all()
        file.write_text(old)  # a kill leaves it; `kill_all` tidies up
        with starting(running.environment):
            wait_for(lambda: not file.exists(), within=30, what="the end of the old file")
            new = wait_for(lambda: file.exists() and file.read_text(), within=30, what="the new file")
    assert json.loads(new)["pids"] != json.loads(old)["pids"]


def test_a_lost_master_key_is_not_made_anew(tmp_path: Path) -> None:
    with Running(tmp_path / "data") as running:
        pass
    (running.data / "master.key").unlink()
    again = subprocess.run(
        [sys.executable, "-m", "gateway", "up"],
        cwd=ROOT,
        env=running.environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert again.returncode == 1
    assert "master.key is gone" in again.stdout
    assert not (running.data / "master.key").exists()


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environment = {**os.environ, "MAILIT_DATA": str(tmp_path / "file" / "data")}
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "up"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1
    assert done.stdout.startswith("MailIt cannot start: the data folder")
    assert "Traceback" not in done.stderr
