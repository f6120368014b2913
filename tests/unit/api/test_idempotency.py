"""Idempotency keys: one request, one effect."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from gateway.wsgi import Gateway
from mailit.domain.errors import Unavailable
from mailit.ports.queue import Job, Message
from mailit.ports.table import Put, Query, Write
from mailit.stores.tables import EMAILS
from tests.house import Answered, House, email

KEY = {"Idempotency-Key": "order-1"}


def emails(house: House) -> int:
    return len(house.request("GET", "/emails?limit=100").json["data"])


def test_the_same_body_gets_the_stored_answer(acme: House) -> None:
    first = acme.request("POST", "/emails", email(), headers=KEY)
    second = acme.request("POST", "/emails", email(), headers=KEY)
    assert (second.status, second.text) == (200, first.text)
    assert emails(acme) == 1


def test_another_body_is_409(acme: House) -> None:
    acme.request("POST", "/emails", email(), headers=KEY)
    fault = acme.request("POST", "/emails", email(subject="Other"), headers=KEY).fault
    assert fault[:2] == (409, "invalid_idempotent_request")
    assert emails(acme) == 1


def test_a_request_still_running_is_409(acme: House) -> None:
    from mailit.domain.api_keys import Caller, Permission
    from mailit.usecases import idempotency

    caller = Caller(acme.team, "k", Permission.FULL)
    import json

    idempotency.begin(acme.deps, caller, "emails/send", "order-1", json.dumps(email()).encode())
    fault = acme.request("POST", "/emails", email(), headers=KEY).fault
    assert fault[:2] == (409, "concurrent_idempotent_requests")
    assert emails(acme) == 0


def test_a_request_whose_process_died_can_be_made_again(acme: House) -> None:
    import json

    from mailit.domain.api_keys import Caller, Permission
    from mailit.usecases import idempotency

    caller = Caller(acme.team, "k", Permission.FULL)
    idempotency.begin(acme.deps, caller, "emails/send", "order-1", json.dumps(email()).encode())
    acme.clock.forward(61)
    assert acme.request("POST", "/emails", email(), headers=KEY).status == 200
    assert acme.request("POST", "/emails", email(), headers=KEY).status == 200
    assert emails(acme) == 1


class _Dies:
    """An outbox whose process dies in the middle of a commit, as it can on `aws`: the first `rows` puts are written."""

    def __init__(self, house: House, rows: int) -> None:
        self._table, self._rows = house.deps.table, rows

    def commit(self, writes: Sequence[Write] = (), jobs: Sequence[Job] = (), done: Sequence[Message] = ()) -> None:
        self._table.put_many([write for write in writes if isinstance(write, Put)][: self._rows])
        raise Unavailable("the process died")


@pytest.mark.parametrize("rows", range(13))
def test_a_batch_that_broke_off_anywhere_is_completed_under_the_same_ids(acme: House, rows: int) -> None:
    body = [email(to=f"ann{number}@example.net") for number in range(3)]
    dying = replace(acme.deps, outbox=_Dies(acme, rows))
    broken = House(**{**vars(acme), "gateway": Gateway(acme.catalogue.on(dying), acme.clock.now)})
    assert broken.request("POST", "/emails/batch", body, headers=KEY).status == 503
    written = {item["id"] for item in acme.request("GET", "/emails").json["data"]}
    acme.clock.forward(61)
    answer = acme.request("POST", "/emails/batch", body, headers=KEY)
    assert answer.status == 200
    ids = [item["id"] for item in answer.json["data"]]
    assert written <= set(ids)
    assert acme.request("POST", "/emails/batch", body, headers=KEY).text == answer.text
    assert emails(acme) == 3
    for email_id in ids:
        recipients = acme.deps.table.query(Query(EMAILS, f"{acme.team}#{email_id}", prefix="rcpt#")).rows
        assert len(recipients) == 1
        assert acme.deps.emails.read_content(acme.team, email_id) is not None


def test_an_email_that_is_there_is_whole(acme: House) -> None:
    """Whatever part of the rows a crash left: no email without its recipients is dispatched (as "suppressed")."""
    for rows in range(1, 12):
        dying = replace(acme.deps, outbox=_Dies(acme, rows))
        broken = House(**{**vars(acme), "gateway": Gateway(acme.catalogue.on(dying), acme.clock.now)})
        broken.request("POST", "/emails/batch", [email(), email(), email()])
    acme.clock.forward(120)
    acme.tick("release_due")
    acme.work()
    assert {item["last_event"] for item in acme.request("GET", "/emails?limit=100").json["data"]} == {"sent"}


def test_a_key_whose_first_try_may_have_stored_something_is_not_given_back(acme: House) -> None:
    dying = replace(acme.deps, outbox=_Dies(acme, 12))
    broken = House(**{**vars(acme), "gateway": Gateway(acme.catalogue.on(dying), acme.clock.now)})
    body = [email(), email(), email()]
    assert broken.request("POST", "/emails/batch", body, headers=KEY).status == 503
    acme.clock.forward(61)
    domain = acme.request("GET", "/domains").json["data"][0]["id"]
    assert acme.request("DELETE", f"/domains/{domain}").status == 200
    assert acme.request("POST", "/emails/batch", body, headers=KEY).status == 403
    assert acme.request("POST", "/emails/batch", body[:1], headers=KEY).fault[1] == "invalid_idempotent_request"


def test_a_refused_request_leaves_its_key_free(acme: House) -> None:
    assert acme.request("POST", "/emails", email(to="broken"), headers=KEY).status == 422
    unverified = email(**{"from": "a@elsewhere.test"})
    assert acme.request("POST", "/emails", unverified, headers=KEY).status == 403
    assert acme.request("POST", "/emails", email(), headers=KEY).status == 200
    assert emails(acme) == 1


def test_a_key_is_kept_for_a_day(acme: House) -> None:
    acme.request("POST", "/emails", email(), headers=KEY)
    acme.clock.forward(86_399)
    acme.request("POST", "/emails", email(), headers=KEY)
    assert emails(acme) == 1
    acme.clock.forward(2)
    acme.tick("cleanup_expired")
    acme.request("POST", "/emails", email(subject="Other"), headers=KEY)
    assert emails(acme) == 2


def test_a_key_belongs_to_its_team_and_its_operation(acme: House) -> None:
    acme.request("POST", "/emails", email(), headers=KEY)
    batch = acme.request("POST", "/emails/batch", [email()], headers=KEY)
    assert batch.status == 200
    assert acme.request("POST", "/emails/batch", [email()], headers=KEY).text == batch.text
    assert emails(acme) == 2


@pytest.mark.parametrize("key", ["", "x" * 257])
def test_a_key_has_1_to_256_characters(acme: House, key: str) -> None:
    fault = acme.request("POST", "/emails", email(), headers={"Idempotency-Key": key}).fault
    assert fault[:2] == (400, "invalid_idempotency_key")


def test_50_requests_at_once_make_one_email(acme: House) -> None:
    from mailit.domain.ids import Ids

    def once(_: int) -> Answered:
        # A gateway of its own for each: the one in the house serves one request at a time.
        house = House(**{**vars(acme), "gateway": Gateway(acme.catalogue.on(acme.deps), acme.clock.now), "ids": Ids()})
        return house.request("POST", "/emails", email(), headers=KEY)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(once, range(50)))
    assert {answer.status for answer in answers} <= {200, 409}
    assert len({answer.json["id"] for answer in answers if answer.status == 200}) == 1
    assert all(answer.fault[1] == "concurrent_idempotent_requests" for answer in answers if answer.status == 409)
    assert emails(acme) == 1
