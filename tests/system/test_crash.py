"""kill -9 at random moments over gateway, triggers and edge: nothing accepted is lost, and duplicates are few enough to
be those of the crash window (a message that was with the other side when its edge was killed). On both engines; the
services that engine `aws` calls stay up."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts.aws_running import Place
from tests.parts.deadline import wait_for
from tests.parts.ministack import MiniStack
from tests.parts.running import Running
from tests.parts.sending import Sender, accepted_by, answered, everything

EMAILS = 2000
KILLS = 20
EDGE_KILLS = 5
PLACES = 10  # attempts an edge has running at most: the bound of what one kill can double
VISIBILITY = 3  # seconds


@pytest.fixture(params=["embedded", "aws"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    settings = {"MAILIT_LEASE": "2", "MAILIT_EDGE_CONNECTIONS": str(PLACES), "MAILIT_VISIBILITY": str(VISIBILITY)}
    if request.param == "embedded":
        with Running(tmp_path / "data", settings) as made:
            yield made
        return
    with MiniStack(tmp_path) as emulator:
        settings |= Place(emulator, VISIBILITY).settings(emulator.endpoint)
        with Running(tmp_path / "data", settings) as made:
            yield made


def victims(running: Running) -> list[int]:
    """Everything below the supervisor."""
    return running.processes()[1:]


def all_final(running: Running) -> bool:
    """Queues that are empty are looked at first: they cost less than a list."""
    stats = answered(running, "/healthz")
    if stats is not None and all(queue["waiting"] == queue["in_flight"] == 0 for queue in stats["queues"]):
        events = {item["last_event"] for item in everything(running, "/emails")}
        if events.isdisjoint({"queued", "sent", "delivery_delayed"}):
            return True
    time.sleep(0.5)  # the next look costs as much as this one
    return False


def kill_at_random(running: Running) -> Counter[str]:
    """How often each was killed: KILLS in all, and the edge some more times if there is work left for it by then."""
    chance = random.Random(20)
    kills = Counter[str]()
    attempts = 0
    while sum(kills.values()) < KILLS or (kills["edge"] < EDGE_KILLS and attempts < EMAILS):
        # The moment is what is random here; nothing is waited for.
        time.sleep(chance.uniform(0.1, 0.6))
        pid = chance.choice(victims(running) or [0])
        name = _name(pid)
        if name == "edge":
            # Started again later each time: a kill before it did anything would show nothing.
            before, attempts = attempts, running.logs("edge").count(" attempt=")
            if attempts == before:
                continue
        elif sum(kills.values()) >= KILLS:
            continue
        if name:
            os.kill(pid, signal.SIGKILL)
            kills[name] += 1
    return kills


@pytest.mark.timeout(400)
def test_20_kills_lose_nothing(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    begun = time.monotonic()
    senders = [Sender(running, f"s{number}", EMAILS // 4) for number in range(4)]
    for sender in senders:
        sender.start()
    kills = kill_at_random(running)
    accepted = accepted_by(senders, within=200)
    assert len(accepted) == EMAILS
    wait_for(lambda: all_final(running), within=150, what="the end of every email")
    seconds = time.monotonic() - begun

    emails = everything(running, "/emails")
    states = {item["id"]: item["last_event"] for item in emails}
    assert len(emails) == len(states)
    assert set(states) == accepted
    assert set(states.values()) == {"delivered"}, Counter(states.values())
    caught = Counter(item["message_id"] for item in everything(running, "/sandbox/messages"))
    arrived = {message_id.strip("<>").partition("@")[0] for message_id in caught}
    assert arrived == accepted
    copies = sum(caught.values()) - len(caught)
    with capsys.disabled():
        print(f"\n{EMAILS} emails, kills {dict(kills)}: 0 lost, {copies} sent twice, in {seconds:.0f} s", end=" ")
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
