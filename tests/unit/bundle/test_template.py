"""The SAM application says what the functions, tables and queues say."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mailit.stores.queues import QUEUES
from mailit.stores.tables import TABLES
from tests.parts.running import ROOT
from tools.bundle import names
from tools.bundle.model import bundle, folder
from tools.bundle.template import resource_count

FUNCTIONS = ROOT / "functions"
BUNDLE = bundle()


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(
        (ROOT / "template.yaml").read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )
    return loaded


@pytest.fixture(scope="module")
def functions(template: dict[str, Any]) -> dict[str, Any]:
    return dict(_of_type(template, "AWS::Serverless::Function"))


def _of_type(template: dict[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource["Properties"]


def _file(handler: str) -> Path:
    return FUNCTIONS / f"{handler.removesuffix('.handler').replace('.', '/')}.py"


def test_every_file_is_one_function_and_every_function_a_file(functions: dict[str, Any]) -> None:
    deployed = [_file(properties["Handler"]) for properties in functions.values()]
    assert sorted(deployed) == sorted(file for file in FUNCTIONS.glob("*/*.py") if file.name != "__init__.py")


def test_a_function_is_named_after_its_operation(functions: dict[str, Any]) -> None:
    for spec in BUNDLE.routes:
        place = spec.id.replace("-", "_")
        assert functions[names.camel(spec.id)]["Handler"] == place.replace("/", ".") + ".handler"


def test_no_resource_hides_a_module_of_the_standard_library() -> None:
    """Functions are imported from the root of their zip, which comes first."""
    assert not {path.name for path in FUNCTIONS.iterdir()} & sys.stdlib_module_names


def test_every_operation_goes_to_its_function(template: dict[str, Any]) -> None:
    paths = template["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"]
    told = {
        (method.upper(), path): operation
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method in {"get", "post", "put", "patch", "delete"}
    }
    assert set(told) == {(spec.method, spec.path) for spec in BUNDLE.routes}
    for spec in BUNDLE.routes:
        integration = told[spec.method, spec.path]["x-amazon-apigateway-integration"]
        assert f"${{{names.camel(spec.id)}.Arn}}" in integration["uri"]["Fn::Sub"]


def test_every_operation_is_in_the_contract(template: dict[str, Any]) -> None:
    text = (ROOT / "openapi.yaml").read_text("utf-8")
    assert set(re.findall(r"operationId: (\S+)", text)) == {spec.id for spec in BUNDLE.routes}


def test_variables_at_the_same_place_have_the_same_name() -> None:
    """API Gateway's tree has one variable per node."""
    seen: dict[str, str] = {}
    for spec in BUNDLE.routes:
        above = ""
        for part in spec.path.strip("/").split("/"):
            if part.startswith("{"):
                assert seen.setdefault(above, part) == part, spec.id
            above += f"/{part}"


def test_every_queue_has_dead_letters(template: dict[str, Any]) -> None:
    for spec in QUEUES:
        queue = template["Resources"][names.queue(spec.name)]["Properties"]
        dead = template["Resources"][names.dead_letters(spec.name)]["Properties"]
        assert queue["QueueName"] == {"Fn::Sub": f"${{AWS::StackName}}-{spec.name}"}
        assert dead["QueueName"] == {"Fn::Sub": f"${{AWS::StackName}}-{spec.name}-dlq"}
        assert queue["RedrivePolicy"]["deadLetterTargetArn"] == names.arn(names.dead_letters(spec.name))
        assert queue["RedrivePolicy"]["maxReceiveCount"] == spec.max_receives


def test_every_table_has_its_keys_and_indexes(template: dict[str, Any]) -> None:
    for spec in TABLES:
        table = template["Resources"][names.table(spec.name)]["Properties"]
        assert _attributes(table) == ["pk", "sk"]
        made = {index["IndexName"]: _attributes(index) for index in table.get("GlobalSecondaryIndexes", [])}
        assert made == {index.name: [index.partition, index.sort] for index in spec.indexes}
        assert table.get("TimeToLiveSpecification", {}).get("AttributeName") == spec.expires
        used = {"pk", "sk", *(name for key in made.values() for name in key)}
        assert {one["AttributeName"] for one in table["AttributeDefinitions"]} == used


def _attributes(table: dict[str, Any]) -> list[str]:
    return [key["AttributeName"] for key in table["KeySchema"]]


def test_each_queue_has_one_consumer_the_outbound_ones_the_edge(functions: dict[str, Any]) -> None:
    sources = [
        event["Properties"]["Queue"]["Fn::GetAtt"][0]
        for properties in functions.values()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]
    assert len(sources) == len(set(sources))
    left = {spec.name for spec in QUEUES if names.queue(spec.name) not in sources}
    assert left == set(BUNDLE.edge_queues)
    assert all(name.startswith("outbound-") for name in left)


def test_a_function_ends_before_its_jobs_come_again(template: dict[str, Any], functions: dict[str, Any]) -> None:
    for properties in functions.values():
        for event in properties.get("Events", {}).values():
            if event["Type"] == "SQS":
                queue = template["Resources"][event["Properties"]["Queue"]["Fn::GetAtt"][0]]["Properties"]
                assert queue["VisibilityTimeout"] > properties["Timeout"]
                assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_all_that_is_referred_to_is_there(template: dict[str, Any]) -> None:
    known = {*template["Resources"], *template["Parameters"]}
    for name in _references(template):
        assert name in known or name.startswith("AWS::")


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield value[0]
            elif key == "Fn::Sub":
                yield from (found.partition(".")[0] for found in re.findall(r"\$\{([^}]+)\}", value))
            else:
                yield from _references(value)


def test_it_fits_into_one_stack_when_the_contract_is_complete(template: dict[str, Any]) -> None:
    assert resource_count(template) + 120 - len(BUNDLE.routes) <= 450


def test_no_resource_of_the_api_is_called_workers() -> None:
    assert "workers" not in {folder(spec) for spec in BUNDLE.routes}
