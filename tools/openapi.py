"""Writes `openapi.yaml` from the routes: `python tools/openapi.py [--check]`.

The decorators and the models are the source; the file is committed, and `--check` fails when it says something else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.catalogue import load
from mailit.contracts.api.emails import SendBatch, SendEmail
from mailit.domain.api_keys import Rate, Scope
from mailit.http import RouteSpec

TARGET = Path(__file__).parent.parent / "openapi.yaml"
REF = "#/components/schemas/{model}"

STATUSES = {
    400: "Malformed JSON, or a bad idempotency key",
    401: "No key, an unknown key, or a key that may only send",
    403: "The sender or the domain may not be used",
    404: "There is no such thing, or it belongs to another team",
    409: "The idempotency key is in use, or was used for another body",
    413: "The body is too large",
    422: "A field or parameter is missing or wrong",
    429: "Too many requests",
    500: "An unexpected error",
    503: "The engine does not answer",
}


def document(specs: Sequence[RouteSpec]) -> dict[str, Any]:
    """The OpenAPI document of these routes."""
    models, schemas = _schemas(specs)
    paths: dict[str, dict[str, Any]] = {}
    for spec in sorted(specs, key=lambda spec: (spec.path, spec.method)):
        paths.setdefault(spec.path, {})[spec.method.lower()] = _operation(spec, models)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "MailIt",
            "version": "0.1.0",
            "description": "Resend's API, self-hosted.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:8080", "description": "make run"}],
        "security": [{"bearerAuth": []}],
        "tags": [{"name": tag} for tag in sorted({_tag(spec) for spec in specs})],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer"}},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _schemas(specs: Sequence[RouteSpec]) -> tuple[dict[tuple[type[BaseModel], str], Any], dict[str, Any]]:
    wanted: list[tuple[type[BaseModel], str]] = [(SendEmail, "validation")]
    for spec in specs:
        wanted.append((spec.answer, "serialization"))
        if spec.body is not None:
            wanted.append((spec.body, "validation"))
    found, definitions = models_json_schema(list(dict.fromkeys(wanted)), ref_template=REF)  # type: ignore[arg-type]
    schemas: dict[str, Any] = definitions["$defs"]
    # An item of a batch is judged by itself, so its model does not say what it looks like.
    schemas[SendBatch.__name__]["items"] = {"$ref": REF.format(model=SendEmail.__name__)}
    schemas[SendBatch.__name__] |= {"minItems": 1, "maxItems": 100}
    schemas["Error"] = {
        "type": "object",
        "required": ["statusCode", "name", "message"],
        "properties": {
            "statusCode": {"type": "integer"},
            "name": {"type": "string"},
            "message": {"type": "string"},
        },
    }
    return found, schemas  # type: ignore[return-value]


def _tag(spec: RouteSpec) -> str:
    return spec.id.partition("/")[0]


def _operation(spec: RouteSpec, models: dict[tuple[type[BaseModel], str], Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": spec.id, "tags": [_tag(spec)], "summary": spec.summary}
    if spec.scope is Scope.PUBLIC:
        operation["security"] = []
    if parameters := _parameters(spec):
        operation["parameters"] = parameters
    if spec.body is not None:
        operation["requestBody"] = {"required": True, "content": _json(models[(spec.body, "validation")])}
    responses: dict[str, Any] = {
        str(spec.status): {"description": "OK", "content": _json(models[(spec.answer, "serialization")])}
    }
    for status in _errors(spec):
        responses[str(status)] = {
            "description": STATUSES[status],
            "content": _json({"$ref": REF.format(model="Error")}),
        }
    return {**operation, "responses": responses}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _parameters(spec: RouteSpec) -> list[dict[str, Any]]:
    found = [_parameter(name, "path", _id_schema(name, spec), required=True) for name in spec.parameters]
    if spec.query is not None:
        for name, schema in spec.query.model_json_schema()["properties"].items():
            plain = next((option for option in schema.get("anyOf", []) if option.get("type") != "null"), schema)
            found.append(_parameter(name, "query", plain))
    if spec.idempotent:
        schema = {"type": "string", "minLength": 1, "maxLength": 256}
        found.append(
            _parameter("Idempotency-Key", "header", schema, description="One effect, however often it is sent")
        )
    for name, description in spec.headers.items():
        found.append(_parameter(name, "header", {"type": "string"}, description=description))
    return found


def _id_schema(name: str, spec: RouteSpec) -> dict[str, Any]:
    return {"type": "string", "format": "uuid"} if name in spec.ids else {"type": "string"}


def _parameter(
    name: str, place: str, schema: dict[str, Any], *, required: bool = False, description: str = ""
) -> dict[str, Any]:
    parameter: dict[str, Any] = {"name": name, "in": place, "required": required, "schema": schema}
    return {**parameter, "description": description} if description else parameter


def _errors(spec: RouteSpec) -> list[int]:
    statuses = {500, 503}
    if spec.scope is not Scope.PUBLIC:
        statuses.add(401)
    if spec.rate is not Rate.NONE:
        statuses.add(429)
    if spec.body is not None:
        statuses |= {400, 403, 413, 422}
    if spec.parameters or spec.scope is Scope.PUBLIC:
        statuses |= {404, 422} if spec.parameters else {404}
    if spec.query is not None:
        statuses.add(422)
    if spec.idempotent or spec.id == "domains/verify":
        statuses.add(409)
    if spec.id == "api-keys/create":
        statuses.add(404)
    return sorted(statuses)


def render() -> str:
    """The file's text."""
    head = "# Made by `make openapi` from the routes in functions/. Do not edit.\n"
    specs = [function.spec for function in load().routes]
    return head + yaml.safe_dump(document(specs), sort_keys=False, allow_unicode=True, width=120)


def main(arguments: list[str]) -> int:
    """The exit status."""
    text = render()
    if arguments == ["--check"]:
        if TARGET.read_text("utf-8") == text:
            return 0
        sys.stderr.write("openapi.yaml differs from the routes: run `make openapi`\n")
        return 1
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
