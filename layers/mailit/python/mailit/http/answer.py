"""The one place where answers and errors get their shape on the wire (contract §2)."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

from chalice.app import Response

from mailit.domain.errors import ApiError
from mailit.usecases.limits import Allowance

JSON = "application/json; charset=utf-8"

NO_ROUTE = ApiError(404, "not_found", "The requested endpoint does not exist.")
NO_METHOD = ApiError(405, "method_not_allowed", "Method is not allowed for the requested path.")
UNEXPECTED = ApiError(500, "application_error", "An unexpected error occurred.")
UNAVAILABLE = ApiError(503, "service_unavailable", "API is temporarily unavailable")


def success(body: str, status: int, headers: Mapping[str, str], *, tagged: bool) -> Response:
    """A 2xx. `tagged`: with an entity tag."""
    extra = {"ETag": f'W/"{len(body):x}-{zlib.crc32(body.encode()):08x}"'} if tagged else {}
    return Response(body, {"Content-Type": JSON, **headers, **extra}, status)


def failure(error: ApiError, headers: Mapping[str, str]) -> Response:
    """`{"statusCode", "name", "message"}`."""
    body = json.dumps({"statusCode": error.status, "name": error.name, "message": error.message})
    extra = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    return Response(body, {"Content-Type": JSON, **headers, **extra}, error.status)


def limit_headers(allowance: Allowance) -> dict[str, str]:
    """Both spellings: the IETF draft's, as the live API sends them, and the older `X-` ones."""
    found = {"Limit": allowance.limit, "Remaining": allowance.remaining, "Reset": allowance.reset}
    headers = {f"RateLimit-{name}": str(value) for name, value in found.items()}
    headers |= {f"X-RateLimit-{name}": str(value) for name, value in found.items()}
    return headers | {"RateLimit-Policy": f"{allowance.limit};w=1"}
