"""What `sam build` makes is complete: each function runs on nothing but its zip and its layers."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house import MASTER_KEY
from tests.parts.lambda_runtime import RuntimeApi
from tests.parts.ministack import emulator_python
from tests.parts.program import Program, missing
from tests.parts.running import ROOT

pytestmark = pytest.mark.system

# An interpreter with the standard library and what we name, nothing of any site.
_CLEAN = (f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}", "-I", "-S", "-B", "-c")
_IMPORT = """
import importlib, sys
sys.path[:0] = sys.argv[2:]
handlers = [importlib.import_module(name).handler for name in sys.argv[1].split(",")]
sys.stdout.write(f"imported {len(handlers)}")
"""
_RUN = "import sys; sys.path[:0] = sys.argv[2:]; from awslambdaric.__main__ import main; main(['', sys.argv[1]])"
_COMPILED = f"runtime_client{sysconfig.get_config_var('EXT_SUFFIX')}"
_RUNTIME = ("awslambdaric", "simplejson", "snapshot_restore_py.py", _COMPILED)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artefacts, with third-party packages for this interpreter."""
    sam = Path(os.environ.get("MAILIT_SAM") or ROOT / ".venv-sam/bin/sam")
    if not sam.exists():
        missing("the SAM command line is not set up: make sam")
    folder = tmp_path_factory.mktemp("sam") / "build"
    environment = {
        **os.environ,
        "SAM_CLI_TELEMETRY": "0",
        "MAILIT_LAYER_FOR": "here",
        "PYTHON": sys.executable,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    done = subprocess.run(
        [sam, "build", "--build-dir", folder],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def _layers(built: Path) -> list[str]:
    return [str(built / layer / "python") for layer in ("MailItLayer", "DepsLayer")]


def _zips(built: Path) -> list[Path]:
    return [built / properties["CodeUri"] for properties in _functions(built).values()]


def _functions(built: Path) -> dict[str, dict[str, Any]]:
    template = yaml.safe_load((built / "template.yaml").read_text("utf-8"))
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def test_every_handler_is_imported_from_its_zip_and_layers_alone(built: Path) -> None:
    modules = [properties["Handler"].removesuffix(".handler") for properties in _functions(built).values()]
    path = [str(_zips(built)[0]), *_layers(built)]
    done = subprocess.run([*_CLEAN, _IMPORT, ",".join(modules), *path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["imported", str(len(modules))]


def test_a_zip_holds_functions_and_nothing_else(built: Path) -> None:
    wanted = {path.relative_to(ROOT / "functions") for path in (ROOT / "functions").rglob("*.py")}
    for folder in _zips(built):
        assert {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} == wanted


def test_the_layers_fit_into_lambda(built: Path) -> None:
    size = sum(file.stat().st_size for layer in _layers(built) for file in Path(layer).rglob("*") if file.is_file())
    assert size < 100 * 1024 * 1024  # Lambda takes 250 MB


def test_a_function_answers_under_lambdas_own_runtime(built: Path, tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    installed = emulator_python().parent.parent / "lib" / version / "site-packages"
    for name in _RUNTIME:
        (runtime / name).symlink_to(installed / name)
    function = _functions(built)["HealthCheck"]
    path = [str(built / function["CodeUri"]), *_layers(built), str(runtime)]
    with RuntimeApi() as api:
        settings = {
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "MAILIT_ENGINE": "embedded",
            "MAILIT_DATA": str(tmp_path / "data"),
            "MAILIT_MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        }
        environment = [f"{name}={value}" for name, value in settings.items()]
        program = Program(["/usr/bin/env", "-i", *environment, *_CLEAN, _RUN, function["Handler"], *path], tmp_path)
        try:
            answer = api.invoke(_request("GET", "/healthz"))
        finally:
            program.close()
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["status"] == "ok"


def _request(method: str, path: str) -> dict[str, Any]:
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": {},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": path,
            "httpMethod": method,
            "path": path,
            "requestId": "1",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": None,
        "isBase64Encoded": False,
    }
