"""HTTP in, API Gateway proxy events (REST, payload 1.0) to the functions, their answers out.

A request's body is read before the function's turn begins: a slow client occupies one thread, not the process. Chalice
is not thread-safe, so one function runs at a time.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote

from gateway.catalogue import Catalogue
from gateway.router import Match, Router
from mailit.domain.errors import ApiError
from mailit.domain.ids import Ids
from mailit.domain.times import Micros
from mailit.http.answer import NO_METHOD, NO_ROUTE, failure
from mailit.http.request import too_large
from mailit.http.spec import MAX_BODY

Environ = Mapping[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


class _Readable(Protocol):
    def read(self, size: int) -> bytes: ...


class Gateway:
    """The WSGI application of a catalogue. `now` gives microseconds, for request ids."""

    def __init__(self, catalogue: Catalogue, now: Callable[[], Micros]) -> None:
        self._router = Router(catalogue.routes)
        self._ids = Ids()
        self._now = now
        self._turn = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            answer = self._serve(environ)
        except ApiError as error:
            answer = failure(error, {"X-Request-Id": self._ids.new(self._now())}).to_dict()
        return _send(answer, environ["REQUEST_METHOD"] == "HEAD", start_response)

    def _serve(self, environ: Environ) -> dict[str, Any]:
        path = _raw_path(environ)
        match = self._router.find(str(environ["REQUEST_METHOD"]), path)
        function = match.function if match else None
        body = _read_body(environ, function.spec.max_body if function else MAX_BODY)
        if match is None:
            raise NO_ROUTE
        if function is None:
            raise NO_METHOD
        event = self._event(environ, match, function.spec.path, path, body)
        with self._turn:
            return function(event)

    def _event(self, environ: Environ, match: Match, resource: str, path: str, body: bytes) -> dict[str, Any]:
        method = "GET" if environ["REQUEST_METHOD"] == "HEAD" else environ["REQUEST_METHOD"]
        headers = _headers(environ)
        query = _query(environ)
        text, encoded = _text(body)
        return {
            "resource": resource,
            "path": path,
            "httpMethod": method,
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "pathParameters": match.path or None,
            "stageVariables": None,
            "requestContext": {
                "resourcePath": resource,
                "httpMethod": method,
                "path": path,
                "stage": "",
                "requestId": self._ids.new(self._now()),
                "identity": {"sourceIp": str(environ.get("REMOTE_ADDR", ""))},
            },
            "body": text,
            "isBase64Encoded": encoded,
        }


def _raw_path(environ: Environ) -> str:
    """The path as it was sent: a percent-encoded slash is part of a segment."""
    raw = environ.get("RAW_URI")
    if raw is None:
        return quote(str(environ.get("PATH_INFO", "/")).encode("latin-1"))
    path = str(raw).partition("?")[0]
    if path.startswith(("http://", "https://")):
        path = "/" + path.split("/", 3)[3] if path.count("/") > 2 else "/"
    return path


def _read_body(environ: Environ, limit: int) -> bytes:
    declared = str(environ.get("CONTENT_LENGTH") or "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large(limit)
    stream: _Readable = environ["wsgi.input"]
    chunks, size = [], 0
    while chunk := stream.read(64 * 1024):
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        chunks.append(chunk)
    if declared.isdecimal() and size != int(declared):
        raise ApiError(400, "validation_error", "The request body ended early.")
    return b"".join(chunks)


def _headers(environ: Environ) -> dict[str, str]:
    headers = {
        name[5:].replace("_", "-").title(): str(value) for name, value in environ.items() if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").title()] = str(environ[name])
    return headers


def _query(environ: Environ) -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True, errors="replace"):
        query.setdefault(name, []).append(value)
    return query


def _text(body: bytes) -> tuple[str | None, bool]:
    """The body as an event carries it: text, or base64 where it is no UTF-8."""
    if not body:
        return None, False
    try:
        return body.decode("utf-8"), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def _send(answer: dict[str, Any], head_only: bool, start_response: StartResponse) -> Iterable[bytes]:
    body = answer.get("body") or ""
    payload = base64.b64decode(body) if answer.get("isBase64Encoded") else str(body).encode()
    headers = [(name, str(value)) for name, value in (answer.get("headers") or {}).items()]
    headers += [
        (name, str(value)) for name, values in (answer.get("multiValueHeaders") or {}).items() for value in values
    ]
    headers.append(("Content-Length", str(len(payload))))
    status = HTTPStatus(answer["statusCode"])
    start_response(f"{status.value} {status.phrase}", headers)
    return [] if head_only else [payload]
