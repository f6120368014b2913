"""Direct mode against real parts: a name server with the zones, Postfix as one recipient's MX, scripted servers as
others', and judges who did not write MailIt."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
import resend

from mailit.engines.embedded.engine import open_engine
from mailit.engines.net.clock import SystemClock
from mailit.stores.accounts import Accounts
from mailit.stores.emails import Emails
from mailit.stores.queues import QUEUES
from mailit.stores.tables import TABLES
from tests.parts.deadline import wait_for
from tests.parts.judges import Envelope, dkimpy_verdicts, opendkim_verdicts, spf_verdict
from tests.parts.name_server import NameServer
from tests.parts.postfix_mx import PostfixMx, PostfixOptions
from tests.parts.rspamd import Rspamd
from tests.parts.running import Running
from tests.parts.scripted_smtp import ACCEPTING, GREETING, TRANSACTION, ScriptedSmtp, refusing

GREY = refusing("RCPT", "450 4.7.1 greylisted").replace("hang", "close")
CUT_BEFORE = f"{GREETING}\nC: MAIL\nS: 250 ok\nclose"
CUT_AFTER = f"{GREETING}\n{TRANSACTION.replace('S: 250 2.0.0 queued', 'close')}"
TLS_BROKEN = (
    f"{GREETING.replace('S: 250 PIPELINING', 'S: 250 STARTTLS')}\nC: STARTTLS\nS: 220 go\nstarttls broken\nclose"
)

# domain → (address of its MX, scripts of its server)
SERVERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "grey.test": ("127.0.0.2", (GREY, GREY, ACCEPTING)),
    "refused.test": ("127.0.0.3", (refusing("RCPT", "550 5.1.1 no such user"),)),
    "busy.test": ("127.0.0.4", ("S: 421 4.3.2 busy\nclose", ACCEPTING)),
    "cut-before.test": ("127.0.0.5", (CUT_BEFORE, ACCEPTING)),
    "cut-after.test": ("127.0.0.6", (CUT_AFTER, ACCEPTING)),
    "tls-broken.test": ("127.0.0.7", (TLS_BROKEN, ACCEPTING)),
    "second.test": ("127.0.0.8", (ACCEPTING,)),
    "implicit.test": ("127.0.0.9", (ACCEPTING,)),
    "six.test": ("::1", (ACCEPTING,)),
}

# What an operator expects: the events of the recipient, in order.
EXPECTED: dict[str, list[str]] = {
    "grey.test": ["delivery_delayed", "delivery_delayed", "delivered"],
    "refused.test": ["bounced"],
    "busy.test": ["delivery_delayed", "delivered"],
    "cut-before.test": ["delivery_delayed", "delivered"],
    "cut-after.test": ["delivery_delayed", "delivered"],
    "tls-broken.test": ["delivered"],
    "second.test": ["delivered"],
    "implicit.test": ["delivered"],
    "six.test": ["delivered"],
    "alias.implicit.test": ["delivered"],
    "null.test": ["bounced"],
    "missing.test": ["bounced"],
    "servfail.test": ["delivery_delayed"] * 4 + ["failed"],
}


def zones() -> dict[str, list[tuple[str, str, str]]]:
    found: dict[str, list[tuple[str, str, str]]] = {
        "acme.test": [("acme.test", "TXT", "a zone")],
        "mailit.test": [("edge.mailit.test", "A", "127.0.0.1")],
        "postfix.test": [("postfix.test", "MX", "10 mx.postfix.test."), ("mx.postfix.test", "A", "127.0.0.1")],
        "null.test": [("null.test", "MX", "0 .")],
        "servfail.test": [("servfail.test", "MX", "10 mx.servfail.test.")],
    }
    for domain, (address, _) in SERVERS.items():
        kind = "AAAA" if ":" in address else "A"
        mx = [(domain, "MX", f"10 mx.{domain}."), (f"mx.{domain}", kind, address)]
        found[domain] = [(domain, kind, address)] if domain == "implicit.test" else mx
    found["implicit.test"].append(("alias.implicit.test", "CNAME", "implicit.test."))
    # The better host of this one is dead: nobody listens there.
    found["second.test"] += [("second.test", "MX", "5 dead.second.test."), ("dead.second.test", "A", "127.0.0.99")]
    return found


@dataclass
class World:
    running: Running
    names: NameServer
    postfix: PostfixMx
    servers: dict[str, ScriptedSmtp]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        names = stack.enter_context(NameServer(zones()))
        names.fail("servfail.test")
        postfix = stack.enter_context(PostfixMx(["postfix.test"], PostfixOptions("mx.postfix.test", tls=True)))
        servers = {
            domain: stack.enter_context(ScriptedSmtp(*scripts, host=address, port=postfix.port))
            for domain, (address, scripts) in SERVERS.items()
        }
        settings = {
            "MAILIT_OUTBOUND": "direct",
            "MAILIT_RESOLVER": names.address,
            "MAILIT_MX_PORT": str(postfix.port),
            "MAILIT_HOSTNAME": "edge.mailit.test",
            "MAILIT_RETRY_SCHEDULE": "0.2,0.2,0.2,0.2",
        }
        running = stack.enter_context(Running(tmp_path_factory.mktemp("direct") / "data", settings))
        resend.api_key, resend.api_url = running.key, running.api
        yield World(running, names, postfix, servers)


@pytest.fixture(scope="module")
def domain(world: World) -> str:
    """acme.test, made over the API, its records published in the name server, verified by look-up."""
    made = cast(Any, resend.Domains.create({"name": "acme.test"}))
    for record in made["records"]:
        value = f"{record['priority']} {record['value']}." if record["type"] == "MX" else record["value"]
        world.names.set(f"{record['name']}.acme.test", record["type"], [value])
    resend.Domains.verify(made["id"])
    wait_for(lambda: resend.Domains.get(made["id"])["status"] == "verified", within=10, what="verification")
    assert {record["status"] for record in cast(Any, resend.Domains.get(made["id"]))["records"]} == {"verified"}
    return "acme.test"


def send(**fields: Any) -> str:
    body = {"from": "Acme <news@acme.test>", "subject": "Grüße", "html": "<p>Hallo <b>Welt</b></p>", **fields}
    return str(resend.Emails.send(cast(Any, body))["id"])


def events(world: World, email_id: str) -> list[tuple[str, dict[str, Any]]]:
    """The events of an email's only recipient, as stored."""
    engine = open_engine(world.running.data, TABLES, QUEUES, SystemClock())
    try:
        user = Accounts(engine.table).user("admin@localhost")
        assert user is not None
        happenings = Emails(engine.table, engine.blobs, 0).happenings(user.team, email_id)
    finally:
        engine.close()
    return [(item.type.value, dict(item.detail or {})) for item in happenings if item.recipient is not None]


def test_what_arrives_at_postfix_is_valid_to_every_judge(world: World, domain: str) -> None:
    email_id = send(to="Ann <ann@postfix.test>", text="Hallo Welt\n.\n..\n", headers={"X-Long": "word " * 50})
    wait_for(lambda: resend.Emails.get(email_id)["last_event"] == "delivered", within=10, what="delivery")
    (message,) = world.postfix.wait_for_messages(1)
    assert (message.sender, message.recipient) == ("bounces@send.acme.test", "ann@postfix.test")
    assert "ESMTPS" in message.received
    assert message.raw.count(b"\r\nMessage-ID: ") == 1
    both = {("acme.test", "mailit", True), ("acme.test", "mailit-ed25519", True)}
    assert {tuple(verdict) for verdict in dkimpy_verdicts(message.raw, world.names)} == both
    assert {tuple(verdict) for verdict in opendkim_verdicts(message.raw, world.names)} == both
    envelope = Envelope("edge.mailit.test", message.sender)
    assert spf_verdict(envelope, world.names) == "pass"
    with Rspamd(world.names) as rspamd:
        symbols = rspamd.verdict(message.raw, envelope)
    assert len(symbols["R_DKIM_ALLOW"]) == 2
    assert "R_SPF_ALLOW" in symbols
    assert "DMARC_POLICY_ALLOW" in symbols
    (name, detail), *more = events(world, email_id)
    assert (name, more) == ("delivered", [])
    assert (detail["code"], detail["host"], detail["ip"]) == (250, "mx.postfix.test", "127.0.0.1")
    assert detail["tls"].startswith("TLSv1.")


def test_every_domain_ends_as_an_operator_would_expect(world: World, domain: str) -> None:
    sent = {name: send(to=f"ann@{name}") for name in EXPECTED}

    def settled(email_id: str) -> bool:
        return resend.Emails.get(email_id)["last_event"] in ("delivered", "bounced", "failed")

    for name, email_id in sent.items():
        wait_for(lambda email_id=email_id: settled(email_id), within=30, what=f"the end of {name}")  # type: ignore[misc]
    found = {name: [event for event, _ in events(world, email_id)] for name, email_id in sent.items()}
    assert found == EXPECTED
    assert {name: resend.Emails.get(email_id)["last_event"] for name, email_id in sent.items()} == {
        name: expected[-1] for name, expected in EXPECTED.items()
    }


def test_refusals_say_who_refused_and_why(world: World, domain: str) -> None:
    details = {}
    for name in ("null.test", "missing.test"):
        email_id = send(to=f"bob@{name}")
        wait_for(lambda email_id=email_id: resend.Emails.get(email_id)["last_event"] == "bounced", within=10)  # type: ignore[misc]
        details[name] = events(world, email_id)[0][1]
    assert (details["null.test"]["code"], details["null.test"]["enhanced"]) == (556, "5.1.10")
    assert (details["missing.test"]["code"], details["missing.test"]["enhanced"]) == (550, "5.1.2")


def test_two_copies_only_where_the_reply_to_the_final_dot_was_lost(world: World, domain: str) -> None:
    wait_for(lambda: len(world.servers["cut-after.test"].messages) == 2, within=10, what="the second copy")
    for name in ("grey.test", "busy.test", "cut-before.test", "tls-broken.test", "six.test"):
        assert len(world.servers[name].messages) == 1, name


def test_an_address_that_bounced_hard_is_suppressed(world: World, domain: str) -> None:
    email_id = send(to="ann@refused.test")
    wait_for(lambda: resend.Emails.get(email_id)["last_event"] == "suppressed", within=10, what="suppression")
