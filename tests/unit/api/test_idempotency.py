"""Idempotency keys: one request, one effect."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

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
    from gateway.wsgi import Gateway
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
