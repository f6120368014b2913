"""Engine `aws` over a proxy that disturbs one call in ten: everything accepted is delivered, and only what cannot be
known leads to a second copy."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailit.stores.queues import QUEUES
from tests.parts.aws_proxy import AwsProxy
from tests.parts.aws_running import Place
from tests.parts.deadline import wait_for
from tests.parts.ministack import MiniStack
from tests.parts.name_server import NameServer
from tests.parts.running import Running
from tests.parts.sending import Load, Sender, accepted_by, answered, everything, until_answered
from tests.parts.sink import Sink

EMAILS = 2000
SECRET = "the-secret-access-key-of-this-run"
CONTENT = "words-that-are-nobodys-business"
DOMAINS = tuple(f"d{number}.test" for number in range(8))
LATE = "settled after its lease was over"


@dataclass
class World:
    running: Running
    names: NameServer
    sink: Sink
    proxy: AwsProxy
    place: Place


def zones() -> dict[str, list[tuple[str, str, str]]]:
    found = {name: [(name, "MX", f"10 mx.{name}."), (f"mx.{name}", "A", "127.0.0.1")] for name in DOMAINS}
    own = {"acme.test": [("acme.test", "TXT", "a zone")], "mailit.test": [("edge.mailit.test", "A", "127.0.0.1")]}
    return {**found, **own}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        names = stack.enter_context(NameServer(zones()))
        sink = stack.enter_context(Sink())
        emulator = stack.enter_context(MiniStack(tmp_path))
        place = Place(emulator, visibility=10)
        proxy = stack.enter_context(AwsProxy(emulator.port, seed=7))
        settings = {
            **place.settings(proxy.endpoint),
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "MAILIT_OUTBOUND": "direct",
            "MAILIT_RESOLVER": names.address,
            "MAILIT_MX_PORT": str(sink.port),
            "MAILIT_HOSTNAME": "edge.mailit.test",
            "MAILIT_LEASE": "10",
            "MAILIT_TRIGGERS": "6",  # they wait for most of their time: every call of a batch may be held back
        }
        running = stack.enter_context(Running(tmp_path / "data", settings))
        yield World(running, names, sink, proxy, place)


def verify_domain(world: World) -> None:
    """acme.test, made over the API."""
    while not (found := until_answered(world.running, "/domains")["data"]):
        answered(world.running, "/domains", {"name": "acme.test"})
    made = until_answered(world.running, f"/domains/{found[0]['id']}")
    for record in made["records"]:
        value = f"{record['priority']} {record['value']}." if record["type"] == "MX" else record["value"]
        world.names.set(f"{record['name']}.acme.test", record["type"], [value])
    path = f"/domains/{made['id']}"
    until_answered(world.running, f"{path}/verify", {})
    wait_for(lambda: until_answered(world.running, path)["status"] == "verified", within=30, what="verification")


def states_of(world: World) -> dict[str, str]:
    items = everything(world.running, "/emails")
    states = {item["id"]: item["last_event"] for item in items}
    assert len(states) == len(items)
    return states


def all_final(world: World) -> bool:
    if any(state in ("queued", "sent", "scheduled") for state in states_of(world).values()):
        time.sleep(1)  # the next look costs as much as this one
        return False
    return True


@pytest.mark.timeout(300)
def test_2000_emails_survive_disturbed_calls(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    begun = time.monotonic()
    verify_domain(world)
    # One sender's contents are too large for a row and go by way of S3.
    loads = [Load("news@acme.test", DOMAINS, f"<p>{CONTENT}</p>" * (10 if number else 150), 50) for number in range(4)]
    senders = [Sender(world.running, f"s{number}", EMAILS // 4, load) for number, load in enumerate(loads)]
    for sender in senders:
        sender.start()
    accepted = accepted_by(senders, within=150)
    sent = time.monotonic() - begun
    assert len(accepted) == EMAILS
    world.sink.wait_for_taken(EMAILS, within=120)  # a look at a file; a list costs the emulator seconds
    wait_for(lambda: all_final(world), within=60, what="the end of every email")
    seconds = time.monotonic() - begun

    states = states_of(world)
    assert set(states) == accepted
    assert set(states.values()) == {"delivered"}, Counter(states.values())
    taken = world.sink.taken()
    arrived = Counter(item.message_id.strip("<>").partition("@")[0] for item in taken)
    assert set(arrived) == accepted
    # Nobody was killed and the other side lost no answer: a second copy needs a lease that ran out before the outcome
    # could be stored, and then the edge says so.
    logs = {name: world.running.logs(name) for name in ("gateway", "triggers", "edge")}
    copies, late = len(taken) - len(arrived), logs["edge"].count(LATE)
    counts = world.proxy.counts()
    with capsys.disabled():
        print(f"\n{EMAILS} emails in {seconds:.0f} s (accepted in {sent:.0f} s): 0 lost, {copies} sent twice,", end=" ")
        print(f"{late} settled late; calls {dict(sorted(counts.items()))}", end=" ")
    assert copies <= late
    disturbed = sum(count for name, count in counts.items() if name in world.proxy.rates)
    assert 0.06 <= disturbed / counts["calls"] <= 0.15
    assert_nothing_dead(world)
    for text in logs.values():
        assert "Traceback" not in text
        assert SECRET not in text
        assert CONTENT not in text
        assert world.running.key not in text
    assert "Traceback" not in world.proxy.log()


def assert_nothing_dead(world: World) -> None:
    engine = world.place.opened()
    try:
        dead = {spec.name: engine.queue.stats(spec.name).dead for spec in QUEUES}
    finally:
        engine.close()
    assert not any(dead.values()), dead
