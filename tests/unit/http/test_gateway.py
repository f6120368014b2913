"""The gateway between HTTP and the functions: paths, methods, bodies."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest

from gateway.catalogue import Catalogue
from gateway.wsgi import Gateway
from mailit.contracts.api.base import Answer, Request
from mailit.domain.api_keys import Rate, Scope
from mailit.http import Call, Function, route
from tests.house import Answered, House

LIMIT = 200


class Text(Request):
    """A body."""

    text: str


class Shown(Answer):
    """Which function answered, and what it was given."""

    by: str
    path: dict[str, str]
    text: str


def showing(method: str, path: str, name: str, **options: Any) -> Function:
    def handler(call: Call[Any]) -> Shown:
        return Shown(by=name, path=dict(call.path), text=call.body.text if call.body else "")

    declared: dict[str, Any] = {"scope": Scope.PUBLIC, "rate": Rate.NONE, "answer": Shown, **options}
    return route(method, path, id=name, summary="x", **declared)(handler)


@pytest.fixture
def gateway(house: House) -> Gateway:
    functions = (
        showing("GET", "/{kind}/list", "kinds/list"),
        showing("GET", "/things/{name}", "things/get"),
        showing("PATCH", "/things/{name}", "things/update"),
        showing("GET", "/things/list", "things/list"),
        showing("POST", "/things", "things/make", body=Text, max_body=LIMIT),
    )
    return Gateway(Catalogue(functions, (), ()).on(house.deps), house.clock.now)


def request(gateway: Gateway, method: str, uri: str, body: io.BytesIO | None = None, **environ: str) -> Answered:
    told: list[Any] = []
    path, _, query = uri.partition("?")
    given = {"REQUEST_METHOD": method, "RAW_URI": uri, "PATH_INFO": path, "QUERY_STRING": query, **environ}
    chunks = gateway(
        {**given, "wsgi.input": body or io.BytesIO()}, lambda status, headers: told.extend([status, headers])
    )
    return Answered(int(told[0][:3]), {name.lower(): value for name, value in told[1]}, b"".join(chunks).decode())


def post(gateway: Gateway, raw: bytes, **environ: str) -> Answered:
    return request(gateway, "POST", "/things", io.BytesIO(raw), **environ)


@pytest.mark.parametrize(
    ("method", "uri", "by", "path"),
    [
        ("GET", "/things/list", "things/list", {}),
        ("GET", "/things/one", "things/get", {"name": "one"}),
        ("GET", "/others/list", "kinds/list", {"kind": "others"}),
        ("PATCH", "/things/list", "things/update", {"name": "list"}),
        ("GET", "/things/one/", "things/get", {"name": "one"}),
        ("GET", "/things/one?name=two", "things/get", {"name": "one"}),
        ("GET", "/things/a%20b%2Fc", "things/get", {"name": "a b/c"}),
        ("GET", "/things/Gr%C3%BC%C3%9Fe", "things/get", {"name": "Grüße"}),
        ("GET", "/things/%FF%00", "things/get", {"name": "\ufffd\0"}),
        ("GET", "/things/..", "things/get", {"name": ".."}),
        ("GET", "/things/%2e%2e%2flist", "things/get", {"name": "../list"}),
        ("GET", "http://elsewhere.test/things/one", "things/get", {"name": "one"}),
    ],
)
def test_a_path_leads_to_its_function(gateway: Gateway, method: str, uri: str, by: str, path: dict[str, str]) -> None:
    answer = request(gateway, method, uri)
    assert (answer.json["by"], answer.json["path"]) == (by, path)


@pytest.mark.parametrize("uri", ["/", "//", "/things/", "/things/a/b", "/thing%73/one", "*", "", "/" + "a/" * 5000])
def test_a_path_of_nobody_is_404(gateway: Gateway, uri: str) -> None:
    answer = request(gateway, "GET", uri)
    assert answer.status in (404, 405)
    assert len(answer.headers["x-request-id"]) == 36
    assert answer.fault[1] in ("not_found", "method_not_allowed")


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS", "TRACE", "get", "CONNECT", "X"])
def test_a_method_of_nobody_is_405(gateway: Gateway, method: str) -> None:
    assert request(gateway, method, "/things/one").fault[:2] == (405, "method_not_allowed")


def test_head_is_get_without_the_body(gateway: Gateway) -> None:
    get, head = request(gateway, "GET", "/things/one"), request(gateway, "HEAD", "/things/one")
    assert (head.status, head.text, head.headers["content-length"]) == (200, "", str(len(get.text)))


def test_a_body_arrives_whole_with_and_without_its_length(gateway: Gateway) -> None:
    raw = '{"text": "Grüße"}'.encode()
    assert post(gateway, raw, CONTENT_LENGTH=str(len(raw))).json["text"] == "Grüße"
    assert post(gateway, raw).json["text"] == "Grüße"


def test_a_body_that_ends_early_is_not_taken(gateway: Gateway) -> None:
    raw = b'{"text": "all"}'
    assert post(gateway, raw, CONTENT_LENGTH=str(len(raw) + 1)).fault[:2] == (400, "validation_error")


@pytest.mark.parametrize("raw", [b'{"text": "\xff"}', "{}".encode("utf-16"), b"\x00", b"\xef\xbb\xbf{}"])
def test_a_body_that_is_no_utf_8_json_is_400(gateway: Gateway, raw: bytes) -> None:
    assert post(gateway, raw).fault == (400, "validation_error", "The request body must be valid JSON.")


def test_a_body_declared_too_large_is_not_even_read(gateway: Gateway) -> None:
    assert post(gateway, b"", CONTENT_LENGTH=str(LIMIT + 1)).fault[:2] == (413, "validation_error")


def test_a_body_without_length_is_read_up_to_the_limit_and_no_further(gateway: Gateway) -> None:
    endless = Endless()
    assert request(gateway, "POST", "/things", endless).fault[:2] == (413, "validation_error")
    assert endless.given <= 64 * 1024 + LIMIT


def test_a_body_of_exactly_the_limit_is_taken(gateway: Gateway) -> None:
    raw = json.dumps({"text": "x" * (LIMIT - 12)}).encode()
    assert len(raw) == LIMIT
    assert post(gateway, raw, CONTENT_LENGTH=str(LIMIT)).status == 200


def test_binary_answers_are_sent_as_bytes(house: House) -> None:
    class Picture(Function):
        def __call__(self, event: dict[str, Any], context: object = None) -> dict[str, Any]:
            body = base64.b64encode(b"pixels").decode()
            return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "body": body, "isBase64Encoded": True}

    picture = Picture(showing("GET", "/picture", "pictures/get").spec, lambda _call: Shown(by="", path={}, text=""))
    gateway = Gateway(Catalogue((picture,), (), ()), house.clock.now)
    answer = request(gateway, "GET", "/picture")
    assert (answer.text, answer.headers["content-length"]) == ("pixels", "6")


class Endless(io.BytesIO):
    """A body without an end."""

    given = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size > 0
        self.given += size
        return b" " * size
