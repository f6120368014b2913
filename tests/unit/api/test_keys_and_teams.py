"""API keys, limits, and the wall between teams."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailit.domain.api_keys import Permission
from tests.house import House, build_house, email


def test_a_new_key_works_until_it_is_removed(acme: House) -> None:
    made = acme.request("POST", "/api-keys", {"name": "Production"})
    assert made.status == 201
    assert set(made.json) == {"object", "id", "token"}
    assert acme.request("POST", "/emails", email(), key=made.json["token"]).status == 200
    assert acme.request("DELETE", f"/api-keys/{made.json['id']}").status == 200
    assert acme.request("POST", "/emails", email(), key=made.json["token"]).fault[0] == 401
    assert acme.request("DELETE", f"/api-keys/{made.json['id']}").fault == (404, "not_found", "API key not found")


def test_lists_show_no_token_and_the_last_use(house: House) -> None:
    made = house.request("POST", "/api-keys", {"name": "Production"}).json
    (listed,) = (item for item in house.request("GET", "/api-keys").json["data"] if item["id"] == made["id"])
    assert listed["last_used_at"] is None
    house.clock.forward(5)
    house.request("GET", "/emails", key=made["token"])
    (listed,) = (item for item in house.request("GET", "/api-keys").json["data"] if item["id"] == made["id"])
    assert set(listed) == {"id", "name", "created_at", "last_used_at"}
    assert listed["last_used_at"] > listed["created_at"]


def test_a_key_can_be_renamed(house: House) -> None:
    made = house.request("POST", "/api-keys", {"name": "Old"}).json
    answer = house.request("PATCH", f"/api-keys/{made['id']}", {"name": "New"})
    assert answer.json == {"object": "api_key", "id": made["id"]}
    assert "New" in [item["name"] for item in house.request("GET", "/api-keys").json["data"]]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, (422, "missing_required_field", "Missing `name` field.")),
        ({"name": "x" * 51}, (422, "validation_error", "Invalid `name` field. The maximum length is 50 characters.")),
        (
            {"name": "x", "permission": "root"},
            (422, "validation_error", "Invalid `permission` field. Expected 'full_access' or 'sending_access'."),
        ),
        (
            {"name": "x", "permission": "sending_access", "domain_id": "01a20ce2-04e6-7000-869d-bd98f167a3d5"},
            (404, "not_found", "Domain not found"),
        ),
    ],
)
def test_bad_keys_are_refused(house: House, body: dict[str, str], fault: tuple[int, str, str]) -> None:
    assert house.request("POST", "/api-keys", body).fault == fault


def test_a_domain_goes_with_sending_access_only(acme: House) -> None:
    domain = acme.request("GET", "/domains").json["data"][0]["id"]
    assert acme.request("POST", "/api-keys", {"name": "x", "domain_id": domain}).fault[0] == 422
    body = {"name": "x", "domain_id": domain, "permission": "sending_access"}
    token = acme.request("POST", "/api-keys", body).json["token"]
    assert acme.request("POST", "/emails", email(), key=token).status == 200


def test_tokens_are_not_stored(house: House, tmp_path: Path) -> None:
    token = house.request("POST", "/api-keys", {"name": "x"}).json["token"]
    house.engine.close()
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert token.encode() not in file.read_bytes()


def test_another_teams_things_are_404_on_every_route(acme: House) -> None:
    domain = acme.request("GET", "/domains").json["data"][0]["id"]
    ids = {
        "email_id": acme.send(scheduled_at="in 1 hour"),
        "domain_id": domain,
        "api_key_id": acme.request("POST", "/api-keys", {"name": "x"}).json["id"],
    }
    bodies = {
        "emails/update": {"scheduled_at": "in 2 hours"},
        "api-keys/update": {"name": "mine"},
        "domains/update": {"tls": "enforced"},
    }
    _, stranger = acme.new_team()
    walked = 0
    for function in acme.catalogue.routes:
        spec = function.spec
        if not set(spec.parameters) & set(ids):
            continue
        path = spec.path
        for name, value in ids.items():
            path = path.replace(f"{{{name}}}", value)
        fault = acme.request(spec.method, path, bodies.get(spec.id), key=stranger).fault
        assert fault[:2] == (404, "not_found"), spec.id
        walked += 1
    assert walked >= 9
    assert acme.request("GET", f"/emails/{ids['email_id']}").json["last_event"] == "scheduled"


def test_lists_show_nothing_of_another_team(acme: House) -> None:
    acme.send()
    _, stranger = acme.new_team()
    for path in ("/emails", "/domains"):
        assert acme.request("GET", path, key=stranger).json["data"] == []
    assert len(acme.request("GET", "/api-keys", key=stranger).json["data"]) == 1


def test_another_teams_domain_cannot_be_sent_from(acme: House) -> None:
    _, stranger = acme.new_team()
    assert acme.request("POST", "/emails", email(), key=stranger).fault[0] == 403


def test_every_route_declares_a_scope_and_every_store_method_takes_the_team() -> None:
    import inspect

    from gateway.catalogue import load
    from mailit.stores.api_keys import ApiKeys
    from mailit.stores.deliveries import Deliveries
    from mailit.stores.domains import Domains
    from mailit.stores.emails import Emails
    from mailit.stores.suppressions import Suppressions

    public = {function.spec.id for function in load().routes if function.spec.scope == "public"}
    assert public == {"health/check", "sandbox/list-messages", "sandbox/get-message"}
    # docs/data.md names these: look-ups before a team is known, and the timers' own.
    before_team = {"identify", "due", "postpone", "get_many", "of_many"}
    for store in (ApiKeys, Deliveries, Domains, Emails, Suppressions):
        for name, method in inspect.getmembers(store, inspect.isfunction):
            if not name.startswith("_") and name not in before_team:
                names = [item for item in inspect.signature(method).parameters if item != "self"]
                assert names[0] == "team", f"{store.__name__}.{name}"


@pytest.fixture
def strict(furnished: tuple[Path, House], tmp_path: Path) -> Iterator[House]:
    import shutil

    shutil.copytree(furnished[0], tmp_path, dirs_exist_ok=True)
    made = build_house(tmp_path, like=furnished[1], rates={"default": 10, "send": 2, "batch": 1})
    made.clock.forward(1)
    yield made
    made.engine.close()


def test_more_than_the_limit_is_429_until_the_second_is_over(strict: House) -> None:
    for remaining in ("1", "0"):
        answer = strict.request("POST", "/emails", email())
        assert answer.status == 200
        assert answer.headers["ratelimit-limit"] == answer.headers["x-ratelimit-limit"] == "2"
        assert answer.headers["ratelimit-remaining"] == answer.headers["x-ratelimit-remaining"] == remaining
        assert answer.headers["ratelimit-reset"] == "1"
        assert answer.headers["ratelimit-policy"] == "2;w=1"
    answer = strict.request("POST", "/emails", email())
    assert answer.fault[:2] == (429, "rate_limit_exceeded")
    assert answer.headers["retry-after"] == "1"
    strict.clock.forward(1)
    assert strict.request("POST", "/emails", email()).status == 200


def test_classes_of_requests_have_limits_of_their_own(strict: House) -> None:
    assert strict.request("POST", "/emails/batch", [email()]).status == 200
    assert strict.request("POST", "/emails/batch", [email()]).status == 429
    assert [strict.request("GET", "/emails").status for _ in range(11)] == [200] * 10 + [429]
    assert strict.request("POST", "/emails", email()).status == 200


def test_all_keys_of_a_team_count_together_and_teams_apart(strict: House) -> None:
    second = strict.new_key(strict.team, Permission.SENDING)
    _, stranger = strict.new_team()
    answers = [strict.request("POST", "/emails", email(), key=key).status for key in (strict.key, second, strict.key)]
    assert answers == [200, 200, 429]
    assert strict.request("POST", "/emails", email(), key=stranger).status == 403


def test_health_tells_engine_queues_and_the_oldest_job(acme: House) -> None:
    acme.send()
    acme.clock.forward(42)
    health = acme.request("GET", "/healthz", key=None).json
    assert (health["status"], health["engine"], health["oldest_age"]) == ("ok", "embedded", 42)
    assert {"name": "dispatch-critical", "waiting": 1, "in_flight": 0, "dead": 0, "oldest_age": 42} in health["queues"]


def test_head_is_get_without_a_body(acme: House) -> None:
    answer = acme.request("HEAD", "/emails")
    assert (answer.status, answer.text) == (200, "")
    assert int(answer.headers["content-length"]) > 0
