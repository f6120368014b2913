"""What becomes of a message, by what the other side says: dialogues as scripts."""

from __future__ import annotations

import pytest

from edge.outbound.failures import Failure
from mailit.contracts.jobs import Outcome
from mailit.domain.times import MINUTE, SECOND
from mailit.ports.queue import Job
from tests.house import House
from tests.parts.edge_run import NET, after_pause, deliver, event, put_back
from tests.parts.ports import free_port
from tests.parts.scripted_smtp import ACCEPTING, GREETING, TRANSACTION, ScriptedSmtp, refusing


def test_a_message_arrives_and_the_reply_is_recorded(acme: House) -> None:
    email_id = acme.send(text="One\n.two\n..three\n")
    with ScriptedSmtp(ACCEPTING) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.code, result.enhanced) == (Outcome.DELIVERED, 250, "2.0.0")
    assert (result.text, result.attempt, result.host) == ("2.0.0 queued", 1, f"mx0.{NET}")
    assert (result.ip, result.tls) == ("127.0.0.1", "")
    (message,) = server.messages
    assert message.startswith(b"DKIM-Signature: ")
    assert b"\r\nOne\r\n.two\r\n..three\r\n" in message
    assert server.lines[0] == "EHLO mx.mailit.test"
    assert server.lines[1].startswith("MAIL FROM:<bounces@send.acme.test> SIZE=")
    assert server.lines[2] == "RCPT TO:<ann@example.net>"
    put_back(acme, [result])
    assert event(acme, email_id) == "delivered"


def test_greylisting_twice_then_accepted(acme: House) -> None:
    email_id = acme.send()
    grey = refusing("RCPT", "450 4.7.1 try again later")
    with ScriptedSmtp(grey, grey, ACCEPTING) as server:
        for attempt, pause in ((1, 10), (2, 30)):
            (result,) = deliver(acme, {NET: [server.port]})
            assert (result.outcome, result.attempt, result.code) == (Outcome.DELAYED, attempt, 450)
            assert pause * SECOND <= result.retry_at - acme.clock.time <= pause * 1.1 * SECOND
            put_back(acme, [result])
            assert event(acme, email_id) == "delivery_delayed"
            after_pause(acme, result)
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.attempt) == (Outcome.DELIVERED, 3)
    put_back(acme, [result])
    assert event(acme, email_id) == "delivered"
    assert len(server.messages) == 1


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "dot"])
def test_5xx_bounces_at_once(acme: House, stage: str) -> None:
    email_id = acme.send()
    with ScriptedSmtp(refusing(stage, "550 5.1.1 no such user")) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.code, result.stage) == (Outcome.BOUNCED, 550, stage.lower())
    put_back(acme, [result])
    assert event(acme, email_id) == "bounced"


def test_a_dead_address_is_suppressed_and_a_full_mailbox_is_not(acme: House) -> None:
    acme.send(to=["a@dead.test", "a@full.test"])
    with (
        ScriptedSmtp(refusing("RCPT", "550 5.1.1 no such user")) as dead,
        ScriptedSmtp(refusing("RCPT", "552 5.2.2 mailbox full")) as full,
    ):
        put_back(acme, deliver(acme, {"dead.test": [dead.port], "full.test": [full.port]}, 2))
    acme.work()
    again = acme.send(to=["A@dead.test", "a@full.test"])
    acme.work()
    assert [job.rcpt_to for _, job in acme.outbox()] == ["a@full.test"]
    assert acme.last_event(again) == "sent"


def test_421_goes_to_the_next_host(acme: House) -> None:
    acme.send()
    with ScriptedSmtp("S: 421 4.3.2 busy\nclose") as busy, ScriptedSmtp(ACCEPTING) as free:
        (result,) = deliver(acme, {NET: [busy.port, free.port]})
    assert (result.outcome, result.host) == (Outcome.DELIVERED, f"mx1.{NET}")


@pytest.mark.parametrize("banner", ["554 5.7.1 go away", "450 not now", "hello", "HTTP/1.1 400 Bad Request"])
def test_a_banner_that_does_not_welcome_leads_to_the_next_host(acme: House, banner: str) -> None:
    acme.send()
    with ScriptedSmtp(f"S: {banner}\nhang") as odd, ScriptedSmtp(ACCEPTING) as free:
        (result,) = deliver(acme, {NET: [odd.port, free.port]})
    assert result.host == f"mx1.{NET}"


def test_the_first_host_dead_and_the_second_alive(acme: House) -> None:
    acme.send()
    with ScriptedSmtp(ACCEPTING) as server:
        (result,) = deliver(acme, {NET: [free_port(), server.port]})
    assert (result.outcome, result.host) == (Outcome.DELIVERED, f"mx1.{NET}")


def test_all_hosts_dead_is_tried_again_until_the_schedule_ends(acme: House) -> None:
    email_id, roads = acme.send(), {NET: [free_port()]}
    outcomes = []
    for _ in range(3):
        (result,) = deliver(acme, roads, retry_schedule=(10 * SECOND, 1 * MINUTE))
        outcomes.append((result.outcome, result.attempt))
        if result.retry_at:
            after_pause(acme, result)
    assert outcomes == [(Outcome.DELAYED, 1), (Outcome.DELAYED, 2), (Outcome.FAILED, 3)]
    assert "given up after 3 attempts" in result.text
    put_back(acme, [result])
    assert event(acme, email_id) == "failed"


def test_a_connection_lost_before_the_data_leads_to_the_next_host(acme: House) -> None:
    acme.send()
    cut = f"{GREETING}\nC: MAIL\nS: 250 ok\nclose"
    with ScriptedSmtp(cut) as broken, ScriptedSmtp(ACCEPTING) as server:
        (result,) = deliver(acme, {NET: [broken.port, server.port]})
    assert (result.outcome, result.host) == (Outcome.DELIVERED, f"mx1.{NET}")


def test_a_connection_lost_after_the_final_dot_is_tried_again_later(acme: House) -> None:
    acme.send()
    cut = f"{GREETING}\n{TRANSACTION.replace('S: 250 2.0.0 queued', 'close')}"
    with ScriptedSmtp(cut) as broken, ScriptedSmtp(ACCEPTING) as server:
        (result,) = deliver(acme, {NET: [broken.port, server.port]})
        assert (result.outcome, result.stage, len(server.messages)) == (Outcome.DELAYED, "dot", 0)
        assert "may be sent more than once" in result.text
        after_pause(acme, result)
        (result,) = deliver(acme, {NET: [server.port]})
    assert result.outcome is Outcome.DELIVERED
    first, second = (
        message.split(b"Message-ID: ")[1].split(b"\r\n")[0] for message in broken.messages + server.messages
    )
    assert first == second


@pytest.mark.parametrize(
    "reply", ["S: 250-2.0.0 one\nS: 250 2.0.0 two", "S~ 2\nwait 0.02\nS~ 50 2.0.0 o\nwait 0.02\nS~ k\nwait 0.02\nS: ."]
)
def test_replies_in_lines_and_in_pieces_are_read_whole(acme: House, reply: str) -> None:
    acme.send()
    script = f"{GREETING}\n{TRANSACTION.replace('S: 250 2.0.0 queued', reply)}\nhang"
    with ScriptedSmtp(script) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.enhanced) == (Outcome.DELIVERED, "2.0.0")


@pytest.mark.parametrize(
    "nonsense",
    ["S: what?", "S: 999 odd", "S: 25", "S: 250" + "x" * 5000, "S: 250-x\n" * 200, "S: 250-a\nS: 550 b"],
    ids=["words", "999", "short", "long", "endless", "mixed"],
)
def test_a_reply_that_is_none_is_transient(acme: House, nonsense: str) -> None:
    acme.send()
    script = f"{GREETING}\n{TRANSACTION.replace('S: 250 2.1.0 ok', nonsense)}\nhang"
    with ScriptedSmtp(script) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert result.outcome is Outcome.DELAYED


def test_no_answer_in_time_is_transient(acme: House) -> None:
    acme.send()
    with ScriptedSmtp("hang") as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.stage) == (Outcome.DELAYED, "banner")
    assert "no reply within" in result.text


def test_a_server_without_pipelining_and_ehlo_is_spoken_to_as_it_likes(acme: House) -> None:
    acme.send()
    script = f"S: 220 old\nC: EHLO\nS: 502 what\nC: HELO\nS: 250 old\n{TRANSACTION}\nhang"
    with ScriptedSmtp(script) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert result.outcome is Outcome.DELIVERED
    assert server.lines[2] == "MAIL FROM:<bounces@send.acme.test>"


def test_no_recipient_and_354_all_the_same_gets_a_lone_dot(acme: House) -> None:
    acme.send()
    script = f"{GREETING}\nC: MAIL\nC: RCPT\nC: DATA\nS: 250 ok\nS: 550 5.1.1 no\nS: 354 go\nC: \nS: 554 none\nhang"
    with ScriptedSmtp(script) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.stage) == (Outcome.BOUNCED, "rcpt")
    assert server.lines[-1] == "."


def test_a_message_above_the_hosts_limit_fails_fast(acme: House) -> None:
    acme.send(text="x\n" * 1000)
    with ScriptedSmtp(GREETING.replace("SIZE 10000000", "SIZE 1000") + "hang") as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.enhanced, result.hard) == (Outcome.BOUNCED, "5.3.4", False)
    assert server.lines == ["EHLO mx.mailit.test"]


def test_smtputf8_is_asked_for_or_the_recipient_bounces(acme: House) -> None:
    acme.send(to="jos\u00e9@example.net")
    with ScriptedSmtp(ACCEPTING) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert result.outcome is Outcome.DELIVERED
    assert "SMTPUTF8" in server.lines[1]
    assert server.lines[2] == "RCPT TO:<jos\u00e9@example.net>"
    acme.send(to="jos\u00e9@example.net")
    with ScriptedSmtp(GREETING.replace("S: 250-SMTPUTF8\n", "") + "hang") as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.enhanced) == (Outcome.BOUNCED, "5.6.7")


@pytest.mark.parametrize(
    ("failure", "outcome", "hard"),
    [
        (Failure("dns", "null MX", 556, "5.1.10"), Outcome.BOUNCED, True),
        (Failure("dns", "no such domain", 550, "5.1.2"), Outcome.BOUNCED, True),
        (Failure("dns", "loop", 550, "5.4.6"), Outcome.BOUNCED, False),
        (Failure("dns", "no answer", 0, "4.4.3"), Outcome.DELAYED, False),
    ],
)
def test_what_the_dns_says_decides_too(acme: House, failure: Failure, outcome: Outcome, hard: bool) -> None:
    acme.send()
    (result,) = deliver(acme, {NET: failure})
    assert (result.outcome, result.hard, result.enhanced) == (outcome, hard, failure.enhanced)


def test_the_size_told_is_the_size_of_the_message_without_doubled_dots(acme: House) -> None:
    acme.send(text=".\n" * 500)
    with ScriptedSmtp(ACCEPTING) as server:
        deliver(acme, {NET: [server.port]})
    assert server.lines[1].split("SIZE=")[1].split()[0] == str(len(server.messages[0]))


def test_a_refusal_counts_though_the_other_side_hangs_up_on_it(acme: House) -> None:
    acme.send()
    script = f"{GREETING}\nC: MAIL\nC: RCPT\nC: DATA\nS: 550 5.7.1 we do not know you\nclose"
    with ScriptedSmtp(script) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.code, result.stage, result.hard) == (Outcome.BOUNCED, 550, "mail", False)


def test_a_connection_lost_in_the_middle_of_the_message_leads_to_the_next_host(acme: House) -> None:
    acme.send(text="x" * 70 + "\n", attachments=[{"filename": "a.bin", "content": "eHh4" * 2_500_000}])
    cut = f"{GREETING}\nC: MAIL\nC: RCPT\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nclose"
    with (
        ScriptedSmtp(cut.replace("SIZE 10000000", "SIZE 0")) as broken,
        ScriptedSmtp(ACCEPTING.replace("SIZE 10000000", "SIZE 0")) as server,
    ):
        (result,) = deliver(acme, {NET: [broken.port, server.port]})
    assert (result.outcome, result.host, len(server.messages)) == (Outcome.DELIVERED, f"mx1.{NET}", 1)


def test_a_flood_of_replies_is_transient(acme: House) -> None:
    acme.send()
    script = f"{GREETING}\nC: MAIL\n" + "S: 250 ok\n" * 200 + "hang"
    with ScriptedSmtp(script) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, server.messages) == (Outcome.DELAYED, [])


def test_bytes_that_trickle_in_do_not_make_the_wait_longer(acme: House) -> None:
    acme.send()
    with ScriptedSmtp("again:\nS~ 2\nwait 0.1\nrepeat") as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.stage) == (Outcome.DELAYED, "banner")
    assert "no reply within" in result.text


def test_an_address_with_line_ends_is_never_spoken(acme: House) -> None:
    acme.send()
    acme.work_on_dispatch()
    ((message, job),) = acme.outbox()
    smuggled = job.model_copy(update={"rcpt_to": "a@example.net>\r\nRCPT TO:<b@example.net"})
    acme.deps.outbox.commit([], [Job(message.queue, smuggled.model_dump_json())], [message])
    with ScriptedSmtp(ACCEPTING) as server:
        (result,) = deliver(acme, {NET: [server.port]})
    assert (result.outcome, result.enhanced) == (Outcome.BOUNCED, "5.1.3")
    assert server.lines == ["EHLO mx.mailit.test"]


def test_a_fault_of_ours_is_transient_and_uses_up_the_schedule(acme: House) -> None:
    acme.send(to=["a@nowhere.test", "ann@example.net"])
    with ScriptedSmtp(ACCEPTING) as server:
        # The roads of this test know no way to nowhere.test, and fail with a KeyError.
        first = deliver(acme, {NET: [server.port]}, 2, retry_schedule=(10 * SECOND,))
        assert {result.outcome for result in first} == {Outcome.DELAYED, Outcome.DELIVERED}
        after_pause(acme, next(result for result in first if result.retry_at))
        (last,) = deliver(acme, {NET: [server.port]}, retry_schedule=(10 * SECOND,))
    assert (last.outcome, last.attempt, last.address) == (Outcome.FAILED, 2, "a@nowhere.test")
