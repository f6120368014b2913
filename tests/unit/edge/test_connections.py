"""TLS, connections that are used again, and messages that several workers want to send."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path

import pytest

from edge.outbound.intake import Intake
from mailit.contracts.jobs import OutboundJob, Outcome
from mailit.domain.lanes import Lane
from mailit.domain.times import SECOND
from mailit.ports.queue import Job, Message
from mailit.stores.deliveries import Deliveries
from mailit.stores.queues import RESULTS, outbound
from tests.house import House
from tests.parts.certificate import make_certificate
from tests.parts.edge_run import NET, deliver, results, run_edge
from tests.parts.scripted_smtp import ACCEPTING, GREETING, TRANSACTION, ScriptedSmtp

TLS_OFFERED = GREETING.replace("S: 250 PIPELINING", "S: 250-PIPELINING\nS: 250 STARTTLS")
TLS_BROKEN = f"{TLS_OFFERED}\nC: STARTTLS\nS: 220 go\nstarttls broken\nclose"
WAITING = outbound(Lane.CRITICAL)


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    made = make_certificate(tmp_path, ["mx.test"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    return context


def enforce_tls(house: House) -> None:
    domain = house.request("GET", "/domains").json["data"][0]["id"]
    assert house.request("PATCH", f"/domains/{domain}", {"tls": "enforced"}).status == 200


def test_tls_is_used_where_it_is_offered(acme: House, tls: ssl.SSLContext) -> None:
    enforce_tls(acme)
    acme.send()
    again = GREETING.split("ESMTP")[1]
    script = f"{TLS_OFFERED}\nC: STARTTLS\nS: 220 go\nstarttls\n{again}\n{TRANSACTION}\nhang"
    with ScriptedSmtp(script, tls=tls) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert result.outcome is Outcome.DELIVERED
    assert result.tls.startswith("TLSv1.")
    assert server.secured == [True]


def test_broken_tls_is_tried_again_in_clear_on_a_new_connection(acme: House) -> None:
    acme.send()
    with ScriptedSmtp(TLS_BROKEN, ACCEPTING) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.attempt, result.tls, server.connections) == (Outcome.DELIVERED, 1, "", 2)


def test_starttls_refused_goes_on_in_clear(acme: House) -> None:
    acme.send()
    with ScriptedSmtp(f"{TLS_OFFERED}\nC: STARTTLS\nS: 454 4.7.0 not now\n{TRANSACTION}\nhang") as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.tls, server.connections) == (Outcome.DELIVERED, "", 1)


def test_replies_injected_before_the_handshake_are_not_believed(acme: House, tls: ssl.SSLContext) -> None:
    acme.send()
    injected = f"{TLS_OFFERED}\nC: STARTTLS\nS~ 220 go\r\n250 injected\nS:\nhang".replace("\r\n", "\x00")
    injected = injected.replace("\x00", "\nS:\nS~ ")
    with ScriptedSmtp(injected, ACCEPTING, tls=tls) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, server.connections) == (Outcome.DELIVERED, 2)


@pytest.mark.parametrize("script", [ACCEPTING, TLS_BROKEN], ids=["not offered", "broken"])
def test_enforced_tls_is_never_in_clear(acme: House, script: str) -> None:
    enforce_tls(acme)
    acme.send()
    with ScriptedSmtp(script) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.stage, server.messages) == (Outcome.DELAYED, "starttls", [])


def test_a_connection_is_used_again_and_renewed_after_20_messages(acme: House) -> None:
    for _ in range(30):
        acme.send()
    with ScriptedSmtp(ACCEPTING) as server:
        found = deliver(acme, {NET: [server.port]}, 30, edge_connections=1)
    assert {result.outcome for result in found} == {Outcome.DELIVERED}
    assert (len(server.messages), server.connections) == (30, 2)


def test_a_used_connection_that_ends_is_no_failure(acme: House) -> None:
    for _ in range(2):
        acme.send()
    ends = f"{GREETING}\n{TRANSACTION}\nC: MAIL\nS: 421 4.4.2 enough\nclose"
    with ScriptedSmtp(ends, ACCEPTING) as server:
        found = deliver(acme, {NET: [server.port]}, 2, edge_connections=1)
    assert [(result.outcome, result.attempt) for result in found] == [(Outcome.DELIVERED, 1)] * 2


def test_a_refusal_leaves_the_connection_for_the_next_message(acme: House) -> None:
    acme.send()
    acme.send()
    refused = "C: MAIL\nC: RCPT\nC: DATA\nS: 250 ok\nS: 550 5.1.1 no\nS: 503 5.5.1 no recipients"
    with ScriptedSmtp(f"{GREETING}\n{refused}\n{TRANSACTION}\nhang") as server:
        found = deliver(acme, {NET: [server.port]}, 2, edge_connections=1)
    assert {result.outcome for result in found} == {Outcome.BOUNCED, Outcome.DELIVERED}
    assert server.connections == 1


def test_a_duplicate_job_sends_nothing(acme: House) -> None:
    acme.send()
    acme.work_on_dispatch()
    (message,) = acme.deps.queue.receive(WAITING, visibility=0)
    acme.deps.queue.put_many([Job(WAITING, message.body)] * 3)

    def worked_off() -> bool:
        stats = acme.deps.queue.stats(WAITING)
        return stats.in_flight == 0 and not acme.deps.queue.wait_any([WAITING], 0)

    with ScriptedSmtp(ACCEPTING) as server:
        run_edge(acme, {NET: [server.port]}, worked_off)
        # What found the recipient claimed waits for the end of that claim, and then finds it settled.
        acme.clock.forward(61)
        run_edge(acme, {NET: [server.port]}, lambda: acme.deps.queue.stats(WAITING).waiting == 0 and worked_off())
    found = results(acme)  # those that find it settled tell its outcome again
    assert found == [found[0]] * len(found)
    assert len(server.messages) == 1


def test_a_recipient_claimed_by_another_edge_waits_until_its_lease_is_over(acme: House) -> None:
    email_id = acme.send()
    acme.work_on_dispatch()
    claims = Deliveries(acme.deps.table)
    assert claims.claim(acme.team, email_id, 0, "other", acme.clock.time, 60 * SECOND)
    with ScriptedSmtp(ACCEPTING) as server:
        run_edge(acme, {NET: [server.port]}, lambda: not acme.deps.queue.wait_any([WAITING], 0))
        assert server.connections == 0
        acme.clock.forward(91)
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.attempt, len(server.messages)) == (Outcome.DELIVERED, 2, 1)


def test_a_lease_lost_before_the_data_sends_nothing(acme: House) -> None:
    acme.send()
    acme.work_on_dispatch()
    jumped = threading.Event()

    def stopped_beyond_the_lease() -> bool:
        # The clock passes the lease while the other side is slow to greet: as after a SIGSTOP.
        if server.connections and not jumped.is_set():
            acme.clock.forward(70)
            jumped.set()
        return server.lines[:1] == ["EHLO mx.mailit.test"]

    with ScriptedSmtp(f"wait 0.2\n{GREETING}\nhang") as server:
        run_edge(acme, {NET: [server.port]}, stopped_beyond_the_lease)
    assert server.lines == ["EHLO mx.mailit.test"]
    assert results(acme) == []


def test_a_lease_lost_while_the_other_side_thinks_sends_nothing(acme: House) -> None:
    acme.send()
    acme.work_on_dispatch()
    jumped = threading.Event()

    def stopped_beyond_the_lease() -> bool:
        if "DATA" in server.lines and not jumped.is_set():
            acme.clock.forward(70)
            jumped.set()
        return jumped.is_set() and server.open == 0

    slow = f"{GREETING}\nC: MAIL\nC: RCPT\nC: DATA\nwait 0.2\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: .\nS: 250 ok\nhang"
    with ScriptedSmtp(slow) as server:
        run_edge(acme, {NET: [server.port]}, stopped_beyond_the_lease)
    assert server.messages == []
    assert results(acme) == []


def test_what_runs_when_the_edge_is_stopped_comes_to_its_end(acme: House) -> None:
    acme.send()
    acme.work_on_dispatch()
    slow = f"{GREETING}\n{TRANSACTION.replace('S: 250 2.0.0 queued', 'wait 0.2')}\nS: 250 2.0.0 queued\nhang"
    with ScriptedSmtp(slow) as server:
        run_edge(acme, {NET: [server.port]}, lambda: "DATA" in server.lines)
    assert [result.outcome for result in results(acme)] == [Outcome.DELIVERED]


def test_a_host_that_does_not_answer_is_left_alone_for_a_moment(acme: House) -> None:
    for _ in range(5):
        acme.send()
    with ScriptedSmtp("hang") as server:
        found = deliver(acme, {NET: [server.port]}, 5, edge_connections=1)
        assert {result.outcome for result in found} == {Outcome.DELAYED}
        assert server.connections == 1


def test_idle_connections_are_no_more_than_the_places(acme: House) -> None:
    domains = [f"d{number}.test" for number in range(6)]
    for domain in domains:
        acme.send(to=f"a@{domain}")
    acme.work_on_dispatch()
    with ScriptedSmtp(ACCEPTING) as server:

        def all_done() -> bool:
            return len(server.messages) == 6 and server.open <= 2

        run_edge(acme, {domain: [server.port] for domain in domains}, all_done, edge_connections=2)
        assert server.connections == 6


def test_two_edges_on_one_queue_send_each_message_once(acme: House) -> None:
    for _ in range(40):
        acme.send()
    acme.work_on_dispatch()

    def all_reported() -> bool:
        return acme.deps.queue.stats(RESULTS).waiting >= 40

    with ScriptedSmtp(ACCEPTING) as server:
        arguments = (acme, {NET: [server.port]}, all_reported)
        second = threading.Thread(target=run_edge, args=arguments, kwargs={"edge_connections": 200})
        second.start()
        run_edge(*arguments, edge_connections=200)
        second.join(15)
    ids = {message.split(b"Message-ID: ")[1].split(b"\r\n")[0] for message in server.messages}
    assert (len(server.messages), len(ids)) == (40, 40)


def test_a_destination_that_hangs_does_not_hold_up_another(acme: House) -> None:
    for _ in range(20):
        acme.send(to="a@slow.test")
    acme.send()
    with ScriptedSmtp("hang") as slow, ScriptedSmtp(ACCEPTING) as quick:
        found = deliver(acme, {"slow.test": [slow.port], NET: [quick.port]}, edge_connections=4)
        assert slow.connections <= 2
    assert found[0].address == "ann@example.net"


def test_lanes_are_taken_6_to_3_to_1(acme: House) -> None:
    acme.send()
    acme.work_on_dispatch()
    (message,) = acme.deps.queue.receive(WAITING)
    acme.deps.queue.delete_many([message])
    for lane in Lane:
        acme.deps.queue.put_many([Job(outbound(lane), message.body)] * 200)

    async def nothing(message: Message, job: OutboundJob) -> None:
        return None

    intake = Intake(acme.deps.queue, nothing, 10, 10)
    taken = [intake.take(10)[0].queue for _ in range(20)]
    assert [taken.count(outbound(lane)) for lane in Lane] == [12, 6, 2]


def test_an_empty_lane_gives_its_turn_away(acme: House) -> None:
    acme.send()
    acme.work_on_dispatch()

    async def nothing(message: Message, job: OutboundJob) -> None:
        return None

    intake = Intake(acme.deps.queue, nothing, 10, 10, idle=0.01)
    assert [len(intake.take(10)) for _ in range(10)] == [1] + [0] * 9
