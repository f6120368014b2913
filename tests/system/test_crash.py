"""kill -9 at random moments over gateway, triggers and edge: nothing accepted is lost, and duplicates are few enough to
be those of the crash window (a message that was with the other side when its edge was killed)."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.parts.deadline import wait_for
from tests.parts.running import Running

EMAILS = 2000
KILLS = 20
FINAL = {"delivered", "bounced", "failed", "suppressed"}
PLACES = 10  # attempts an edge has running at most: the bound of what one kill can double


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    settings = {"MAILIT_LEASE": "2", "MAILIT_EDGE_CONNECTIONS": str(PLACES), "MAILIT_VISIBILITY": "3"}
    with Running(tmp_path / "data", settings) as made:
        yield made


class Sender(threading.Thread):
    """Sends until its share is accepted, single and in batches; what was not answered is sent again under its
    idempotency key, so that exactly the accepted ones count."""

    def __init__(self, running: Running, name: str, count: int) -> None:
        super().__init__(daemon=True)
        self.accepted: list[str] = []
        self._running, self._label, self._count = running, name, count

    def run(self) -> None:
        number = 0
        while len(self.accepted) < self._count:
            size = min(1 if number % 3 else 25, self._count - len(self.accepted))
            mails = [self._mail(f"{number}-{item}") for item in range(size)]
            path, body = ("/emails", mails[0]) if size == 1 else ("/emails/batch", mails)
            answer = self._until_answered(path, body, f"{self._label}-{number}")
            self.accepted += [answer["id"]] if size == 1 else [item["id"] for item in answer["data"]]
            number += 1

    def _mail(self, name: str) -> dict[str, Any]:
        to = f"{self._label}.{name}@example.net"
        return {"from": "onboarding@resend.dev", "to": to, "subject": name, "html": "<p>Hello</p>" * 50}

    def _until_answered(self, path: str, body: Any, key: str) -> Any:
        return wait_for(lambda: answered(self._running, path, body, key), within=120, what=f"an answer to {key}")


def call(running: Running, path: str, body: Any = None, key: str = "") -> Any:
    headers = {"Authorization": f"Bearer {running.key}", "Content-Type": "application/json"}
    if key:
        headers["Idempotency-Key"] = key
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(running.api + path, data, headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def answered(running: Running, path: str, body: Any = None, key: str = "") -> Any:
    """The answer, or None: the gateway is down just now, went down while it answered, or is busy with this key."""
    try:
        return call(running, path, body, key)
    except urllib.error.HTTPError as error:
        with error:
            return None if error.code in (409, 503) else pytest.fail(f"{error.code}: {error.read()!r}")
    except (urllib.error.URLError, OSError, ValueError):
        return None


def victims(running: Running) -> list[int]:
    """Everything below the supervisor."""
    return running.processes()[1:]


def everything(running: Running, path: str) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    found: list[dict[str, Any]] = []
    query = "limit=100"
    while True:
        page = call(running, f"{path}?{query}")
        found += page["data"]
        if not page["has_more"]:
            return found
        query = f"limit=100&after={found[-1]['id']}"


@pytest.mark.timeout(400)
def test_20_kills_lose_nothing(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(20)
    senders = [Sender(running, f"s{number}", EMAILS // 4) for number in range(4)]
    for sender in senders:
        sender.start()
    kills = Counter[str]()
    while sum(kills.values()) < KILLS:
        # The moment is what is random here; nothing is waited for.
        time.sleep(chance.uniform(0.1, 0.6))
        pid = chance.choice(victims(running) or [0])
        name = _name(pid)
        if name:
            os.kill(pid, signal.SIGKILL)
            kills[name] += 1
    for sender in senders:
        sender.join(200)
        assert not sender.is_alive()
    accepted = {email_id for sender in senders for email_id in sender.accepted}
    assert len(accepted) == EMAILS

    def all_final() -> bool:
        stats = answered(running, "/healthz")
        return stats is not None and all(queue["waiting"] == queue["in_flight"] == 0 for queue in stats["queues"])

    wait_for(all_final, within=150, what="empty queues")
    states = {item["id"]: item["last_event"] for item in everything(running, "/emails")}
    assert set(states) == accepted
    assert set(states.values()) <= FINAL, Counter(states.values())
    caught = Counter(item["message_id"] for item in everything(running, "/sandbox/messages"))
    arrived = {message_id.strip("<>").partition("@")[0] for message_id in caught}
    assert arrived == accepted
    copies = sum(caught.values()) - len(caught)
    with capsys.disabled():
        print(f"\n{EMAILS} emails, kills {dict(kills)}: 0 lost, {copies} sent twice", end=" ")
    assert copies <= kills["edge"] * PLACES


def _name(pid: int) -> str:
    """gateway, triggers or edge; empty when it is gone."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    if "edge" in command:
        return "edge"
    return next((word for word in command if word in ("serve", "triggers")), "")
