"""A host that is out of step, and hosts that refuse as such: the message and its neighbours are none the worse."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest

from edge.outbound.replies import Garbage, Replies
from mailit.contracts.jobs import Outcome
from tests.house import House
from tests.parts.certificate import make_certificate
from tests.parts.edge_run import NET, deliver
from tests.parts.scripted_smtp import ACCEPTING, GREETING, TRANSACTION, ScriptedSmtp
from tests.unit.edge.test_connections import TLS_OFFERED, enforce_tls

LATE = TRANSACTION.replace("S: 250 2.0.0 queued", "wait 0.7\nS: 250 2.0.0 late")


def test_a_reply_that_comes_too_late_is_not_taken_for_the_next_messages(acme: House) -> None:
    for _ in range(3):
        acme.send()
    with ScriptedSmtp(f"{GREETING}\n{LATE}\nagain:\n{TRANSACTION}\nrepeat", ACCEPTING) as server:
        found = deliver(acme, {NET: [server.port]}, 3, edge_connections=1)
    assert [result.outcome for result in found] == [Outcome.DELAYED, Outcome.DELIVERED, Outcome.DELIVERED]
    assert server.connections == 2


def test_a_refusal_with_replies_missing_ends_the_connection(acme: House) -> None:
    acme.send()
    acme.send()
    slow = f"{GREETING}\nC: MAIL\nC: RCPT\nC: DATA\nS: 550 5.7.1 no\nwait 0.7\nS: 503 no\nS: 503 no\nhang"
    with ScriptedSmtp(slow, ACCEPTING) as server:
        found = deliver(acme, {NET: [server.port]}, 2, edge_connections=1)
    assert {result.outcome for result in found} == {Outcome.BOUNCED, Outcome.DELIVERED}
    assert server.connections == 2


def test_no_empty_message_where_the_host_believes_that_there_is_a_recipient(acme: House) -> None:
    acme.send()
    script = f"{GREETING}\nC: MAIL\nC: RCPT\nC: DATA\nS: 451 4.3.0 no\nS: 250 ok\nS: 354 go\nC: \nS: 250 taken\nhang"
    with ScriptedSmtp(script) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.stage, server.lines[-1]) == (Outcome.DELAYED, "mail", "DATA")


@pytest.mark.parametrize(
    "script", ["S: 554 5.7.1 go away\nhang", "S: 220 hi\nC: EHLO\nS: 550 no\nC: HELO\nS: 550 no\nhang"]
)
def test_what_speaks_against_the_host_alone_does_not_bounce(acme: House, script: str) -> None:
    acme.send()
    with ScriptedSmtp(script) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert result.outcome is Outcome.DELAYED


def test_enforced_tls_refused_for_good_is_tried_again_and_never_in_clear(acme: House) -> None:
    enforce_tls(acme)
    acme.send()
    with ScriptedSmtp(f"{TLS_OFFERED}\nC: STARTTLS\nS: 554 5.7.0 no\nhang") as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.stage, server.messages) == (Outcome.DELAYED, "starttls", [])


def test_a_flood_of_replies_costs_no_time() -> None:
    started = time.process_time()
    with pytest.raises(Garbage):
        Replies().feed(b"250 a\n" * 43_000)
    assert time.process_time() - started < 0.05


def test_a_host_that_is_busy_over_tls_is_not_spoken_to_in_clear(acme: House, tmp_path: Path) -> None:
    acme.send()
    made = make_certificate(tmp_path, ["mx.test"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    busy = f"{TLS_OFFERED}\nC: STARTTLS\nS: 220 go\nstarttls\nC: EHLO\nS: 421 4.3.2 busy\nhang"
    with ScriptedSmtp(busy, ACCEPTING, tls=context) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.code, server.connections) == (Outcome.DELAYED, 421, 1)
