"""Accepting, reading, scheduling and cancelling emails."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from mailit.domain.times import SECOND
from tests.house import House, email


def test_an_accepted_email_reads_back_as_it_was_sent(acme: House) -> None:
    email_id = acme.send(
        to=["Ann <ann@example.net>", "bob@example.net"],
        cc="carl@example.net",
        bcc=["dora@example.net"],
        reply_to="desk@acme.test",
        html="<b>Hi</b>",
        tags=[{"name": "kind", "value": "greeting"}],
    )
    found = acme.request("GET", f"/emails/{email_id}").json
    assert found == {
        "object": "email",
        "id": email_id,
        "message_id": f"<{email_id}@acme.test>",
        "to": ["Ann <ann@example.net>", "bob@example.net"],
        "from": "Acme <news@acme.test>",
        "created_at": found["created_at"],
        "subject": "Hello",
        "html": "<b>Hi</b>",
        "text": "Hi.",
        "bcc": ["dora@example.net"],
        "cc": ["carl@example.net"],
        "reply_to": ["desk@acme.test"],
        "last_event": "queued",
        "scheduled_at": None,
        "topic_id": None,
        "tags": [{"name": "kind", "value": "greeting"}],
    }


def test_a_large_content_reads_back_too(acme: House) -> None:
    html = "<p>é</p>" * 100_000
    email_id = acme.send(html=html)
    assert acme.request("GET", f"/emails/{email_id}").json["html"] == html


def test_lists_are_newest_first_and_pages_join(acme: House) -> None:
    ids = [acme.send(subject=str(number)) for number in range(7)][::-1]
    seen: list[str] = []
    query = "limit=3"
    while True:
        page = acme.request("GET", f"/emails?{query}").json
        seen += [item["id"] for item in page["data"]]
        if not page["has_more"]:
            break
        query = f"limit=3&after={seen[-1]}"
    assert seen == ids
    back = acme.request("GET", f"/emails?limit=2&before={ids[4]}").json
    assert [item["id"] for item in back["data"]] == ids[2:4]
    assert back["has_more"]


def test_a_page_stays_as_it_is_while_emails_are_added(acme: House) -> None:
    ids = [acme.send() for _ in range(4)][::-1]
    acme.send()
    page = acme.request("GET", f"/emails?after={ids[1]}").json
    assert [item["id"] for item in page["data"]] == ids[2:]


def test_lists_give_20_unless_asked_otherwise(acme: House) -> None:
    assert acme.request("POST", "/emails/batch", [email()] * 21).status == 200
    page = acme.request("GET", "/emails").json
    assert (len(page["data"]), page["has_more"]) == (20, True)
    names = "id message_id to from created_at subject bcc cc reply_to last_event scheduled_at"
    assert " ".join(page["data"][0]) == names
    assert page["data"][0]["cc"] is None


def test_a_strict_batch_is_all_or_none(acme: House) -> None:
    answer = acme.request("POST", "/emails/batch", [email(), email(to="broken")])
    assert answer.fault[0] == 422
    assert acme.request("GET", "/emails").json["data"] == []
    assert acme.outbox() == []


def test_a_permissive_batch_takes_those_that_are_right(acme: House) -> None:
    items = [email(subject="0"), email(to="broken"), email(subject="2"), email(**{"from": "a@elsewhere.test"}), 5]
    answer = acme.request("POST", "/emails/batch", items, headers={"x-batch-validation": "permissive"})
    assert answer.status == 200
    assert [fault["index"] for fault in answer.json["errors"]] == [1, 3, 4]
    ids = [item["id"] for item in answer.json["data"]]
    assert [acme.request("GET", f"/emails/{one}").json["subject"] for one in ids] == ["0", "2"]


def test_a_batch_answers_ids_in_order_and_nothing_else(acme: House) -> None:
    answer = acme.request("POST", "/emails/batch", [email(subject=str(number)) for number in range(100)])
    assert set(answer.json) == {"data"}
    ids = [item["id"] for item in answer.json["data"]]
    assert ids == sorted(ids)
    assert acme.request("GET", f"/emails/{ids[42]}").json["subject"] == "42"


def test_one_job_per_recipient_and_one_copy_per_address(acme: House) -> None:
    acme.send(to=["ann@example.net", "Ann <ann@EXAMPLE.net>"], cc="ann@example.net", bcc="bob@b\u00fccher.example")
    acme.work()
    assert sorted(job.rcpt_to for _, job in acme.outbox()) == ["ann@example.net", "bob@xn--bcher-kva.example"]


def test_bcc_is_in_no_message(acme: House) -> None:
    acme.send(bcc="secret@example.net")
    acme.work()
    jobs = acme.outbox()
    assert len(jobs) == 2
    assert not any("secret" in (job.message or "") for _, job in jobs)


def test_the_text_is_made_from_html_unless_it_is_given(acme: House) -> None:
    def message(**fields: Any) -> str:
        body = {key: value for key, value in email(**fields).items() if value is not None}
        assert acme.request("POST", "/emails", body).status == 200
        acme.work()
        return acme.outbox()[0][1].message or ""

    assert "Hello (https://x.test/)" in message(text=None, html='<a href="https://x.test/">Hello</a>')
    assert "text/plain" not in message(text="", html="<b>Hi</b>")
    assert "Own words" in message(text="Own words", html="<b>Hi</b>")


def test_attachments_in_every_form_arrive(acme: House) -> None:
    acme.files.at["https://files.test/a.txt"] = b"fetched"
    acme.send(
        html='<img src="cid:logo">',
        attachments=[
            {"filename": "a.txt", "content": base64.b64encode(b"base64").decode()},
            {"filename": "b.txt", "content": list(b"bytes")},
            {"filename": "c.txt", "content": {"type": "Buffer", "data": list(b"buffer")}},
            {"path": "https://files.test/a.txt"},
            {"filename": "l.png", "content": "aW1n", "content_id": "logo", "content_type": "image/png"},
        ],
    )
    acme.work()
    raw = acme.outbox()[0][1].message or ""
    for content in (b"base64", b"bytes", b"buffer", b"fetched", b"img"):
        assert base64.b64encode(content).decode() in raw
    assert "Content-ID: <logo>" in raw
    assert 'filename="attachment-3"' in raw


def test_an_attachment_that_cannot_be_had_fails_the_email(acme: House) -> None:
    email_id = acme.send(attachments=[{"path": "https://files.test/gone"}])
    acme.work()
    assert acme.last_event(email_id) == "failed"
    assert acme.outbox() == []


def test_a_large_message_goes_by_blob(acme: House) -> None:
    acme.send(html="<p>" + "x" * 300_000 + "</p>")
    acme.work()
    ((_, job),) = acme.outbox()
    assert job.message is None
    assert job.message_blob is not None
    assert b"x" * 70 in acme.deps.blobs.get(job.message_blob)


def test_a_scheduled_email_waits_for_its_time(acme: House) -> None:
    email_id = acme.send(scheduled_at="in 10 min")
    assert acme.last_event(email_id) == "scheduled"
    acme.clock.forward(599)
    acme.tick("release_due")
    acme.work()
    assert acme.outbox() == []
    acme.clock.forward(1)
    acme.work()
    assert len(acme.outbox()) == 1
    assert acme.last_event(email_id) == "sent"


def test_an_email_for_next_week_is_released_at_its_second(acme: House) -> None:
    acme.send(scheduled_at="in 7 days")
    seconds = 7 * 86_400
    acme.clock.forward(seconds - 61)
    acme.tick("release_due")
    acme.work()
    assert acme.outbox() == []
    acme.clock.forward(60)
    acme.work()
    assert acme.outbox() == []
    acme.clock.forward(1)
    acme.work()
    assert len(acme.outbox()) == 1


def test_a_moved_email_goes_at_its_new_time_once(acme: House) -> None:
    email_id = acme.send(scheduled_at="in 10 min")
    answer = acme.request("PATCH", f"/emails/{email_id}", {"scheduled_at": "in 20 min"})
    assert answer.json == {"object": "email", "id": email_id}
    acme.clock.forward(19 * 60)
    acme.tick("release_due")
    acme.work()
    assert acme.outbox() == []
    acme.clock.forward(60)
    acme.work()
    assert len(acme.outbox()) == 1


def test_a_canceled_email_never_goes(acme: House) -> None:
    near, far = acme.send(scheduled_at="in 10 min"), acme.send(scheduled_at="in 2 days")
    for email_id in (near, far):
        assert acme.request("POST", f"/emails/{email_id}/cancel").json == {"object": "email", "id": email_id}
    for seconds in (600, 3600, 2 * 86_400, 86_400):
        acme.clock.forward(seconds)
        acme.tick("release_due")
        acme.work()
    assert acme.outbox() == []
    assert acme.last_event(near) == acme.last_event(far) == "canceled"
    assert acme.request("PATCH", f"/emails/{near}", {"scheduled_at": "in 1 hour"}).fault[0] == 422
    assert acme.request("POST", f"/emails/{near}/cancel").fault[0] == 422


def test_only_scheduled_emails_can_be_canceled(acme: House) -> None:
    email_id = acme.send()
    fault = acme.request("POST", f"/emails/{email_id}/cancel").fault
    assert fault == (422, "validation_error", "Only scheduled emails can be canceled.")


def test_a_time_that_has_passed_means_now(acme: House) -> None:
    email_id = acme.send(scheduled_at="2020-01-01T00:00:00Z")
    assert acme.last_event(email_id) == "queued"


def test_an_email_left_without_a_job_is_found(acme: House) -> None:
    email_id = acme.send()
    lost = acme.deps.queue.receive("dispatch-critical")
    acme.deps.queue.delete_many(lost)
    acme.clock.forward(59)
    acme.tick("release_due")
    acme.work()
    assert acme.outbox() == []
    acme.clock.forward(2)
    acme.tick("release_due")
    acme.work()
    assert len(acme.outbox()) == 1
    assert acme.last_event(email_id) == "sent"


def test_a_long_queue_does_not_pile_up_jobs(acme: House) -> None:
    acme.send()
    for _ in range(60):
        acme.clock.forward(60)
        acme.tick("release_due")
    assert acme.deps.queue.stats("dispatch-critical").waiting <= 8


def test_dispatching_twice_sends_once(acme: House) -> None:
    acme.send()
    (message,) = acme.deps.queue.receive("dispatch-critical")
    worker = next(worker for worker in acme.catalogue.workers if worker.spec.name == "dispatch")
    event = {"Records": [{"messageId": "1", "receiptHandle": "", "body": message.body}]}
    assert worker(event) == {"batchItemFailures": []}
    jobs = acme.outbox()
    assert worker(event) == {"batchItemFailures": []}
    again = acme.outbox()
    # On engines without transactions the job is put again, for the same recipient: the claim lets only one send.
    assert {(job.email_id, job.recipient) for _, job in again} <= {(job.email_id, job.recipient) for _, job in jobs}


def test_one_bad_message_does_not_take_its_batch_along(acme: House) -> None:
    email_id = acme.send()
    (message,) = acme.deps.queue.receive("dispatch-critical")
    worker = next(worker for worker in acme.catalogue.workers if worker.spec.name == "dispatch")
    ghost = message.body.replace(email_id, "01a20ce2-04e6-7000-869d-bd98f167a3d5")
    records = [
        {"messageId": str(number), "receiptHandle": "", "body": body}
        for number, body in enumerate(["no json", ghost, message.body])
    ]
    assert worker({"Records": records}) == {"batchItemFailures": [{"itemIdentifier": "0"}, {"itemIdentifier": "1"}]}
    assert [job.email_id for _, job in acme.outbox()] == [email_id]


def test_a_suppressed_recipient_gets_nothing_and_the_others_do(acme: House) -> None:
    from mailit.stores.suppressions import Origin, Suppression, Suppressions

    acme.deps.table.put(
        Suppressions(acme.deps.table).add(acme.team, Suppression("s", "Ann@example.net", Origin.MANUAL, None, 0))
    )
    alone, mixed = acme.send(), acme.send(to=["ann@example.net", "bob@example.net"])
    acme.work()
    assert [(job.email_id, job.rcpt_to) for _, job in acme.outbox()] == [(mixed, "bob@example.net")]
    assert acme.last_event(alone) == "suppressed"


def test_another_teams_suppressions_do_not_count(acme: House) -> None:
    from mailit.stores.suppressions import Origin, Suppression, Suppressions

    other, _ = acme.new_team()
    acme.deps.table.put(
        Suppressions(acme.deps.table).add(other, Suppression("s", "ann@example.net", Origin.MANUAL, None, 0))
    )
    acme.send()
    acme.work()
    assert len(acme.outbox()) == 1


def test_an_email_whose_domain_went_away_fails(acme: House) -> None:
    email_id = acme.send(scheduled_at="in 10 min")
    domain = acme.request("GET", "/domains").json["data"][0]["id"]
    acme.request("DELETE", f"/domains/{domain}")
    acme.clock.forward(600)
    acme.work()
    assert acme.outbox() == []
    assert acme.last_event(email_id) == "failed"


@pytest.mark.parametrize("address", ["jos\u00e9@example.net", "ann@example.net"])
def test_smtputf8_is_asked_for_where_an_address_needs_it(acme: House, address: str) -> None:
    acme.send(to=address)
    acme.work()
    ((_, job),) = acme.outbox()
    assert job.smtputf8 is (not address.isascii())


def test_events_have_their_times(acme: House) -> None:
    from mailit.stores.emails import Emails

    email_id = acme.send()
    acme.clock.forward(3)
    acme.work()
    store = Emails(acme.deps.table, acme.deps.blobs, 4096)
    found = [(item.type, (item.at - acme.clock.time) // SECOND) for item in store.happenings(acme.team, email_id)]
    assert found == [("queued", -3), ("sent", 0)]
