"""A deployable function: one Chalice app with one route, and what happens between the event and the use case."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

from chalice.app import Chalice, Response
from pydantic import BaseModel

from mailit import wiring
from mailit.contracts.api.reading import read
from mailit.domain.api_keys import Caller, Rate
from mailit.domain.errors import ApiError, Unavailable
from mailit.http import answer as answers
from mailit.http import request as requests
from mailit.http.call import Call
from mailit.http.spec import RouteSpec
from mailit.stores.limits import Claim
from mailit.usecases import auth, idempotency, limits
from mailit.usecases.deps import Deps

Handler = Callable[[Any], BaseModel]

_log = logging.getLogger("mailit.http")


class Function:
    """Callable with (event, context), as AWS Lambda and the gateway do. Chalice handles one request at a time."""

    def __init__(self, spec: RouteSpec, handler: Handler, deps: Callable[[], Deps] = wiring.get) -> None:
        self.spec = spec
        self._handler = handler
        self._deps = deps
        self._app = self._chalice()

    def on(self, deps: Deps) -> Function:
        """The same function on other Deps."""
        return Function(self.spec, self._handler, lambda: deps)

    def __call__(self, event: dict[str, Any], context: object = None) -> dict[str, Any]:
        """An API Gateway proxy event (REST, payload 1.0) → a proxy answer."""
        result: dict[str, Any] = self._app(event, context)
        return result

    def _chalice(self) -> Chalice:
        app = Chalice(self.spec.id.replace("/", "-"), configure_logs=False, env={})

        def view(**_path: str) -> Response:
            request = app.current_request
            assert request is not None
            return self._respond(request.to_original_event())

        # No content types: Chalice would answer 415 by itself, and clients do not always say JSON.
        app.route(self.spec.path, methods=[self.spec.method], name=self.spec.id, content_types=[])(view)

        @app.middleware("http")
        def own_shape(request: Any, get_response: Callable[[Any], Response]) -> Response:
            response = get_response(request)
            if isinstance(response.body, str):
                return response
            # The framework's own words: another method, or a fault before the view.
            return answers.failure(answers.NO_METHOD if response.status_code == 405 else answers.UNEXPECTED, {})

        return app

    def _respond(self, event: dict[str, Any]) -> Response:
        headers = {"X-Request-Id": str((event.get("requestContext") or {}).get("requestId", ""))}
        try:
            return self._carry_out(event, headers)
        except ApiError as error:
            return answers.failure(error, headers)
        except Unavailable as error:
            _log.warning("operation=%s unavailable: %s", self.spec.id, error)
            return answers.failure(answers.UNAVAILABLE, headers)
        except Exception as error:
            # Where, not what: messages of foreign exceptions quote keys, addresses and bodies.
            frames = "".join(traceback.format_tb(error.__traceback__))
            _log.error("operation=%s failed: %s\n%s", self.spec.id, type(error).__name__, frames)
            return answers.failure(answers.UNEXPECTED, headers)

    def _carry_out(self, event: dict[str, Any], headers: dict[str, str]) -> Response:
        deps, given = self._deps(), requests.headers_of(event)
        caller = auth.identify(deps, given.get("authorization"), self.spec.scope)
        self._count(deps, caller, headers)
        path, query = requests.path_of(event, self.spec), requests.query_of(event, self.spec)
        raw = requests.raw_body(event, self.spec) if self.spec.body is not None else b""
        body = read(self.spec.body, requests.parse(raw)) if self.spec.body is not None else None
        source = str(((event.get("requestContext") or {}).get("identity") or {}).get("sourceIp", ""))
        claim = self._claim(deps, caller, given, raw)
        if isinstance(claim, idempotency.Stored):
            return answers.success(claim.body, self.spec.status, headers, tagged=False)
        return self._finish(Call(deps, body, query, path, given, source, caller, claim), headers)

    def _count(self, deps: Deps, caller: Caller | None, headers: dict[str, str]) -> None:
        if caller is None or self.spec.rate is Rate.NONE:
            return
        allowance = limits.take(deps, caller.team, self.spec.rate)
        headers.update(answers.limit_headers(allowance))
        if not allowance.allowed:
            message = (
                "Too many requests. You can only make"
                f" {allowance.limit} request{'s' if allowance.limit > 1 else ''} per second."
            )
            raise ApiError(429, "rate_limit_exceeded", message, retry_after=allowance.reset)

    def _claim(
        self, deps: Deps, caller: Caller | None, headers: dict[str, str], raw: bytes
    ) -> Claim | idempotency.Stored | None:
        key = headers.get("idempotency-key")
        if key is None or caller is None or not self.spec.idempotent:
            return None
        return idempotency.begin(deps, caller, self.spec.id, key, raw)

    def _finish(self, call: Call[Any, Any], headers: dict[str, str]) -> Response:
        try:
            answer = self._handler(call)
        except ApiError:
            # Nothing was done: the key may be used again. After any other fault, and where an earlier try may have
            # stored some of it, that is not known.
            if call.claim is not None and not call.claim.resumed:
                idempotency.abandon(call.deps, call.claim)
            raise
        body = answer.model_dump_json(by_alias=True)
        return answers.success(body, self.spec.status, headers, tagged=self.spec.method == "GET")
