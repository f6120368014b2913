"""The REST API: each operation goes to its function; what API Gateway answers by itself has Resend's shape.

REST APIs take OpenAPI 3.0. Bodies and queries are checked by the functions, so that the definition names only paths.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mailit.domain.errors import ApiError
from mailit.http import RouteSpec
from mailit.http.answer import JSON, NO_METHOD, NO_ROUTE, UNAVAILABLE, UNEXPECTED
from mailit.http.request import too_large
from mailit.http.spec import MAX_BODY
from tools.bundle import names
from tools.bundle.names import Node, arn, sub
from tools.bundle.roles import API

_ANY = "x-amazon-apigateway-any-method"
_INTEGRATION = "x-amazon-apigateway-integration"
_INVOKE = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${%s.Arn}/invocations"
_OTHERS = "/{proxy+}"

_BUSY = ApiError(429, "rate_limit_exceeded", "Too many requests. Please limit the number of requests per second.")
_BAD = ApiError(400, "validation_error", "An error was found with one or more fields in the request.")

_OWN_ANSWERS: Mapping[str, ApiError] = {
    "DEFAULT_4XX": _BAD,
    "DEFAULT_5XX": UNEXPECTED,
    "INTEGRATION_FAILURE": UNAVAILABLE,
    "INTEGRATION_TIMEOUT": UNAVAILABLE,
    # An `Authorization` header on a path that is not there is taken for an AWS signature.
    "INVALID_SIGNATURE": NO_ROUTE,
    "MISSING_AUTHENTICATION_TOKEN": NO_ROUTE,
    "REQUEST_TOO_LARGE": too_large(MAX_BODY),
    "RESOURCE_NOT_FOUND": NO_ROUTE,
    "THROTTLED": _BUSY,
    # Only the mock of a wrong method looks at content types.
    "UNSUPPORTED_MEDIA_TYPE": NO_METHOD,
}


def definition(routes: Sequence[RouteSpec]) -> Node:
    """The OpenAPI document of the API."""
    paths: dict[str, Node] = {}
    for spec in sorted(routes, key=lambda spec: (spec.path, spec.method)):
        path = paths.setdefault(spec.path, {**_parameters(spec.parameters)})
        path[spec.method.lower()] = {
            "operationId": names.camel(spec.id),
            "responses": {},
            _INTEGRATION: {
                "type": "aws_proxy",
                "httpMethod": "POST",
                "uri": sub(_INVOKE % names.camel(spec.id)),
                "credentials": arn(API),
                "passthroughBehavior": "when_no_match",
            },
        }
    for path in paths.values():
        path[_ANY] = _mock(NO_METHOD)
    for text, parameters in (("/", []), (_OTHERS, ["proxy"])):
        paths.setdefault(text, {**_parameters(parameters), _ANY: _mock(NO_ROUTE)})
    return {
        "openapi": "3.0.1",
        "info": {"title": "MailIt", "version": "0.1.0"},
        "paths": paths,
        "x-amazon-apigateway-gateway-responses": gateway_responses(),
    }


def gateway_responses() -> dict[str, Node]:
    """What API Gateway answers by itself, by the kind of answer."""
    return {kind: _answer(error) for kind, error in _OWN_ANSWERS.items()}


def _parameters(parameters: Sequence[str]) -> Node:
    if not parameters:
        return {}
    return {
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters
        ]
    }


def _body(error: ApiError) -> str:
    return json.dumps({"statusCode": error.status, "name": error.name, "message": error.message})


def _answer(error: ApiError) -> Node:
    return {
        "statusCode": error.status,
        "responseParameters": {"gatewayresponse.header.Content-Type": f"'{JSON}'"},
        "responseTemplates": {"application/json": _body(error)},
    }


def _mock(error: ApiError) -> Node:
    """An answer that no function is called for."""
    status = str(error.status)
    return {
        "responses": {status: {"description": error.message}},
        _INTEGRATION: {
            "type": "mock",
            "passthroughBehavior": "never",
            "requestTemplates": {"application/json": json.dumps({"statusCode": error.status})},
            "responses": {"default": {"statusCode": status, "responseTemplates": {"application/json": _body(error)}}},
        },
    }
