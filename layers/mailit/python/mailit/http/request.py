"""From an API Gateway proxy event (REST, payload 1.0) to checked parts. Everything here is hostile until checked."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from mailit.contracts.api.reading import PAGINATION, api_error
from mailit.domain.errors import ApiError, invalid
from mailit.domain.ids import is_uuid
from mailit.http.spec import RouteSpec

Event = Mapping[str, Any]


def headers_of(event: Event) -> dict[str, str]:
    """Header names in lower case."""
    return {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}


def path_of(event: Event, spec: RouteSpec) -> dict[str, str]:
    """The path parameters; ids have to be UUIDs."""
    given = event.get("pathParameters") or {}
    path = {name: str(given.get(name, "")) for name in spec.parameters}
    for name in spec.ids:
        if not is_uuid(path[name]):
            raise ApiError(422, "invalid_parameter", f"The `{name}` must be a valid UUID.")
    return {name: value.lower() if name in spec.ids else value for name, value in path.items()}


def query_of(event: Event, spec: RouteSpec) -> BaseModel | None:
    """The query as the route's model; of a repeated name the last value counts."""
    if spec.query is None:
        return None
    given = {
        name: values[-1] for name, values in (event.get("multiValueQueryStringParameters") or {}).items() if values
    }
    for name in ("after", "before"):
        if name in given and not is_uuid(given[name]):
            raise ApiError(422, "invalid_parameter", f"The `{name}` must be a valid UUID.")
    if "after" in given and "before" in given:
        raise invalid("The `after` and `before` parameters cannot be used together.")
    try:
        return spec.query.model_validate(given)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["loc"] == ("limit",):
            raise invalid(PAGINATION) from None
        raise api_error(error) from None


def raw_body(event: Event, spec: RouteSpec) -> bytes:
    """The body's bytes. Only routes that want one look at it: SDKs send `{}` with GET and DELETE."""
    text = event.get("body") or ""
    try:
        raw = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode("utf-8", "surrogatepass")
    except binascii.Error:
        raise _malformed() from None
    if len(raw) > spec.max_body:
        raise too_large(spec.max_body)
    return raw


def too_large(limit: int) -> ApiError:
    """413."""
    return ApiError(413, "validation_error", f"The request body must not exceed {limit // (1024 * 1024)} MB.")


def parse(raw: bytes) -> Any:
    """The body as JSON, whatever the content type says: `curl -d` does not say the truth."""
    try:
        data = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _malformed() from None
    if b"\\ud" in raw.lower():
        _refuse_lone_surrogates(data)
    return data


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refuse_lone_surrogates(data: Any) -> None:
    try:
        json.dumps(data, ensure_ascii=False).encode("utf-8")
    except (UnicodeEncodeError, RecursionError):
        raise _malformed() from None


def _malformed() -> ApiError:
    return ApiError(400, "validation_error", "The request body must be valid JSON.")
