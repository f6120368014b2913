"""The published document says what the routes do."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.catalogue import load
from mailit.domain.api_keys import Scope
from mailit.http import RouteSpec
from tests.parts.running import ROOT

SPECS = {function.spec.id: function.spec for function in load().routes}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
    return loaded


def operation(document: dict[str, Any], spec: RouteSpec) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][spec.path][spec.method.lower()]
    return found


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_in_it_and_nothing_else(document: dict[str, Any]) -> None:
    told = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert sorted(told) == sorted(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_an_operation_asks_for_a_key_unless_it_is_public(document: dict[str, Any], name: str) -> None:
    spec, found = SPECS[name], operation(document, SPECS[name])
    assert (found.get("security") == []) == (spec.scope is Scope.PUBLIC)
    assert ("401" in found["responses"]) == (spec.scope is not Scope.PUBLIC)


@pytest.mark.parametrize("name", SPECS)
def test_an_operation_names_all_it_reads(document: dict[str, Any], name: str) -> None:
    spec, found = SPECS[name], operation(document, SPECS[name])
    told = {(one["in"], one["name"]) for one in found.get("parameters", [])}
    assert {parameter for place, parameter in told if place == "path"} == set(spec.parameters)
    assert (("header", "Idempotency-Key") in told) == spec.idempotent
    assert {("header", header) for header in spec.headers} <= told
    assert ("requestBody" in found) == (spec.body is not None)


def test_no_schema_is_left_unused(document: dict[str, Any]) -> None:
    text = yaml.safe_dump(document)
    unused = [name for name in document["components"]["schemas"] if f"#/components/schemas/{name}'" not in text]
    assert unused == []
