"""Clients of a MailIt that is disturbed: they send until they have an answer, and read lists page by page."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.parts.deadline import wait_for
from tests.parts.running import Running


@dataclass(frozen=True, slots=True)
class Load:
    """What a sender sends. `batch`: emails of a batch, of which every third request is one."""

    sender: str = "onboarding@resend.dev"
    domains: tuple[str, ...] = ("example.net",)
    html: str = "<p>Hello</p>" * 50
    batch: int = 25


class Sender(threading.Thread):
    """Sends until its share is accepted, single and in batches; what was not answered is sent again under its
    idempotency key, so that exactly the accepted ones count."""

    def __init__(self, running: Running, name: str, count: int, load: Load | None = None) -> None:
        super().__init__(daemon=True)
        self.accepted: list[str] = []
        self._running, self._label, self._count, self._load = running, name, count, load or Load()

    def run(self) -> None:
        number = 0
        while len(self.accepted) < self._count:
            size = min(1 if number % 3 else self._load.batch, self._count - len(self.accepted))
            mails = [self._mail(number, item) for item in range(size)]
            path, body = ("/emails", mails[0]) if size == 1 else ("/emails/batch", mails)
            answer = until_answered(self._running, path, body, f"{self._label}-{number}")
            self.accepted += [answer["id"]] if size == 1 else [item["id"] for item in answer["data"]]
            number += 1

    def _mail(self, number: int, item: int) -> dict[str, Any]:
        domain = self._load.domains[(number + item) % len(self._load.domains)]
        name = f"{number}-{item}"
        to = f"{self._label}.{name}@{domain}"
        return {"from": self._load.sender, "to": to, "subject": name, "html": self._load.html}


def accepted_by(senders: Sequence[Sender], within: float) -> set[str]:
    """Wait for senders that were started; the ids of what was accepted."""
    for sender in senders:
        sender.join(within)
        assert not sender.is_alive()
    return {email_id for sender in senders for email_id in sender.accepted}


def until_answered(running: Running, path: str, body: Any = None, key: str = "", within: float = 150) -> Any:
    """The answer, asked for again and again, less and less often."""
    pauses = iter((0.05, 0.1, 0.2, 0.5))

    def ask() -> Any:
        answer = answered(running, path, body, key)
        if answer is None:
            time.sleep(next(pauses, 1.0))  # a client's back-off
        return answer

    return wait_for(ask, within, f"an answer to {path} {key}")


def call(running: Running, path: str, body: Any = None, key: str = "") -> Any:
    """One call; raises what urllib raises."""
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


def everything(running: Running, path: str) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    found: list[dict[str, Any]] = []
    query = "limit=100"
    while True:
        page = until_answered(running, f"{path}?{query}")
        found += page["data"]
        if not page["has_more"]:
            return found
        query = f"limit=100&after={found[-1]['id']}"
