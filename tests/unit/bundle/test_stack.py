"""OpenFaaS runs every resource, in few enough functions."""

from __future__ import annotations

from typing import Any

import yaml

from gateway.catalogue import load
from tests.parts.running import ROOT
from tools.bundle.model import bundle
from tools.bundle.openfaas import LIMIT, groups

BUNDLE = bundle()
STACK: dict[str, Any] = yaml.safe_load((ROOT / "infra/openfaas/stack.yaml").read_text("utf-8"))


def test_every_resource_is_in_one_function() -> None:
    served = [name for found in STACK["functions"].values() for name in _resources(found)]
    assert sorted([*served, "health", "sandbox"]) == BUNDLE.resources


def test_every_function_loads_and_answers_for_its_health() -> None:
    for found in STACK["functions"].values():
        paths = {function.spec.path for function in load(only=_resources(found)).routes}
        assert "/healthz" in paths
        assert len(paths) > 1


def test_there_are_few_enough() -> None:
    assert len(STACK["functions"]) <= LIMIT


def test_resources_that_live_together_are_one_function() -> None:
    found = groups(["contacts", "emails", "health", "segments"])
    assert found == {"audience": ["contacts", "segments"], "emails": ["emails"]}


def _resources(found: dict[str, Any]) -> list[str]:
    return str(found["environment"]["MAILIT_FUNCTIONS"]).split(",")
