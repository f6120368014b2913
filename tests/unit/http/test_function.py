"""What happens between a request and its handler, and what becomes of what the handler does."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.catalogue import Catalogue
from gateway.wsgi import Gateway
from mailit.contracts.api.base import Answer, ListQuery, Request
from mailit.domain.api_keys import Rate, Scope
from mailit.domain.errors import MailItError, Unavailable, forbidden
from mailit.http import Call, Function, route
from tests.house import House, build_house


class Order(Request):
    """A body of all kinds."""

    text: str
    count: int = 0
    weight: float = 0.0


class Receipt(Answer):
    """An answer."""

    text: str
    query: dict[str, Any] | None = None


Handler = Callable[[Call[Any, Any]], Receipt]


def deployed(house: House, handler: Handler, method: str = "POST", **options: Any) -> Function:
    """This handler as a function at `/orders`."""
    declared = {"scope": Scope.FULL, "rate": Rate.DEFAULT, "answer": Receipt, **options}
    if method == "POST":
        declared["body"] = Order
    return route(method, "/orders", id="orders/place", summary="Place an order", **declared)(handler).on(house.deps)


def serving(house: House, handler: Handler, method: str = "POST", **options: Any) -> House:
    """The house with nothing but this handler."""
    function = deployed(house, handler, method, **options)
    return replace(house, gateway=Gateway(Catalogue((function,), (), ()), house.clock.now))


def repeat(call: Call[Order]) -> Receipt:
    return Receipt(text=call.body.text)


def raising(error: Exception) -> Handler:
    def fail(_call: Call[Order]) -> Receipt:
        raise error

    return fail


def test_an_answer_is_json_with_limits_and_a_request_id(house: House) -> None:
    answer = serving(house, repeat).request("POST", "/orders", {"text": "Grüße"})
    assert (answer.status, answer.json) == (200, {"text": "Grüße", "query": None})
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["ratelimit-policy"] == "10000;w=1"
    for prefix in ("", "x-"):
        limits = [answer.headers[f"{prefix}ratelimit-{name}"] for name in ("limit", "remaining", "reset")]
        assert limits == ["10000", "9999", "1"]
    assert len(answer.headers["x-request-id"]) == 36


def test_refusals_of_a_use_case_are_shown_as_they_are(house: House) -> None:
    answer = serving(house, raising(forbidden("Not yours."))).request("POST", "/orders", {"text": "x"})
    assert answer.fault == (403, "validation_error", "Not yours.")


def test_an_engine_that_does_not_answer_is_503(house: House) -> None:
    answer = serving(house, raising(Unavailable("the disk is full"))).request("POST", "/orders", {"text": "x"})
    assert answer.fault == (503, "service_unavailable", "API is temporarily unavailable")


def test_a_fault_of_ours_is_500_and_tells_and_logs_nothing_of_the_request(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    def stumble(call: Call[Order]) -> Receipt:
        raise KeyError(call.body.text)

    with caplog.at_level(logging.DEBUG):
        answer = serving(house, stumble).request("POST", "/orders", {"text": "ann@example.net"})
    assert answer.fault == (500, "application_error", "An unexpected error occurred.")
    assert "in stumble" in caplog.text
    assert "KeyError" in caplog.text
    for secret in ("ann@example.net", house.key):
        assert secret not in caplog.text


def test_over_the_limit_is_429_and_says_when_to_come_again(tmp_path: Path) -> None:
    house = build_house(tmp_path, rates={"default": 2, "send": 1, "batch": 1})
    try:
        shop = serving(house, repeat)
        assert [shop.request("POST", "/orders", {"text": "x"}).status for _ in range(3)] == [200, 200, 429]
        refused = shop.request("POST", "/orders", {"text": "x"})
        message = "Too many requests. You can only make 2 requests per second."
        assert refused.fault == (429, "rate_limit_exceeded", message)
        assert (refused.headers["retry-after"], refused.headers["ratelimit-remaining"]) == ("1", "0")
        house.clock.forward(1)
        assert shop.request("POST", "/orders", {"text": "x"}).status == 200
    finally:
        house.engine.close()


def test_a_wrong_key_is_noticed_before_a_wrong_body(house: House) -> None:
    shop = serving(house, repeat)
    assert shop.request("POST", "/orders", raw=b"{", key="re_unknown_unknown").fault[0] == 401


def test_a_public_route_needs_no_key_and_has_no_caller(house: House) -> None:
    def ask(call: Call[None]) -> Receipt:
        with pytest.raises(MailItError):
            _ = call.who
        return Receipt(text=call.source_ip)

    shop = serving(house, ask, "GET", scope=Scope.PUBLIC, rate=Rate.NONE)
    assert shop.request("GET", "/orders", key=None).json["text"] == "127.0.0.1"


def test_a_route_without_a_scope_does_not_load() -> None:
    declared: dict[str, Any] = {"id": "a/b", "summary": "x", "rate": Rate.DEFAULT, "answer": Receipt}
    with pytest.raises(TypeError, match="scope"):
        route("GET", "/a", **declared)


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "1" * 4000, "1e-400", "1.5", "true", '"1"', "null", "Infinity", "-Infinity", "NaN"]
)
@pytest.mark.parametrize("field", ["count", "weight"])
def test_odd_numbers_are_never_a_fault_of_ours(house: House, field: str, number: str) -> None:
    raw = f'{{"text": "x", "{field}": {number}}}'.encode()
    assert serving(house, repeat).request("POST", "/orders", raw=raw).status in (200, 400, 422)


def event(house: House, **changed: Any) -> dict[str, Any]:
    """A request as API Gateway hands it over."""
    return {
        "headers": {"Authorization": f"Bearer {house.key}"},
        "httpMethod": "POST",
        "resource": "/orders",
        "path": "/orders",
        "pathParameters": None,
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "requestContext": {"resourcePath": "/orders", "httpMethod": changed.get("httpMethod", "POST")},
        "body": '{"text": "x"}',
        "isBase64Encoded": False,
        **changed,
    }


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_json_is_read_whatever_the_content_type_says(house: House, kind: str) -> None:
    headers = {"AUTHORIZATION": f"Bearer {house.key}", "Content-Type": kind}
    assert deployed(house, repeat)(event(house, headers=headers))["statusCode"] == 200


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"body": "eyJ0ZXh0IjogIngifQ==", "isBase64Encoded": True}, 200),
        ({"body": "broken", "isBase64Encoded": True}, 400),
        ({"body": None}, 400),
        ({"headers": None}, 401),
        ({"httpMethod": "PUT"}, 405),
    ],
)
def test_an_event_of_api_gateway_gets_an_answer_in_our_shape(
    house: House, changed: dict[str, Any], status: int
) -> None:
    answer = deployed(house, repeat)(event(house, **changed))
    assert answer["statusCode"] == status
    assert answer["headers"]["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(answer["body"]).get("statusCode", 200) == status


def test_of_a_name_given_twice_the_last_counts(house: House) -> None:
    assert serving(house, repeat).request("POST", "/orders", raw=b'{"text": "a", "text": "b"}').json["text"] == "b"

    def ask(call: Call[None, ListQuery]) -> Receipt:
        return Receipt(text="", query=call.query.model_dump(exclude_none=True))

    shop = serving(house, ask, "GET", query=ListQuery)
    assert shop.request("GET", "/orders?limit=1&limit=2&other=3").json["query"] == {"limit": 2}


def test_equal_answers_have_equal_entity_tags(house: House) -> None:
    texts = iter(["a", "a", "b"])
    shop = serving(house, lambda _call: Receipt(text=next(texts)), "GET")
    tags = [shop.request("GET", "/orders").headers["etag"] for _ in range(3)]
    assert tags[0] == tags[1] != tags[2]


def test_a_refused_request_leaves_its_idempotency_key_free(house: House) -> None:
    headers = {"Idempotency-Key": "one"}
    refusing = serving(house, raising(forbidden("Not yet.")), idempotent=True)
    assert refusing.request("POST", "/orders", {"text": "x"}, headers=headers).status == 403
    assert refusing.request("POST", "/orders", {"text": "y"}, headers=headers).status == 403


def test_a_failed_request_keeps_its_idempotency_key_since_nobody_knows_what_it_did(house: House) -> None:
    headers = {"Idempotency-Key": "one"}
    failing = serving(house, raising(ValueError()), idempotent=True)
    assert failing.request("POST", "/orders", {"text": "x"}, headers=headers).status == 500
    again = failing.request("POST", "/orders", {"text": "x"}, headers=headers)
    assert again.fault[:2] == (409, "concurrent_idempotent_requests")


def test_keys_of_a_route_that_is_not_idempotent_are_ignored(house: House) -> None:
    shop = serving(house, repeat)
    for text in ("a", "b"):
        answer = shop.request("POST", "/orders", {"text": text}, headers={"Idempotency-Key": "one"})
        assert answer.json["text"] == text
