"""How long a fresh process takes until `functions/emails/send` could answer on engine `aws`, and then to its first
answer (`401` to a key that nobody has: clients made, connections opened, one row asked for) from MiniStack."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import uuid
from collections.abc import Mapping

from mailit.engines.aws.migrate import migrate
from mailit.stores.queues import QUEUES
from mailit.stores.tables import TABLES
from mailit.wiring.settings import load
from tests.parts.ministack import CREDENTIALS, MiniStack
from tools.bench.aws_path import aws_settings, emulator_there
from tools.bench.folder import temporary
from tools.bench.rig import MASTER_KEY, clean

_TIMES = 5
_PROGRAM = """
import json, sys, time
started = time.perf_counter()
from functions.emails.send import handler
from mailit import wiring
wiring.get()
wired = time.perf_counter()
seconds = [wired - started]
if len(sys.argv) > 1:
    answer = handler(json.loads(sys.argv[1]), None)
    seconds.append(time.perf_counter() - wired)
    assert answer["statusCode"] in (200, 401, 403), answer
print(json.dumps(seconds))
"""


def measure() -> dict[str, float]:
    """Medians of five; for the import nothing is asked of AWS."""
    settings = {"MAILIT_MASTER_KEY": MASTER_KEY, **aws_settings("http://127.0.0.1:9", "none")}
    values = {"import_ms_aws": statistics.median(_once(settings)[0] for _ in range(_TIMES))}
    if emulator_there():
        values["first_answer_ms_aws"] = _first_answer()
    return values


def _first_answer() -> float:
    with temporary("cold") as folder, MiniStack(folder) as emulator:
        os.environ |= CREDENTIALS
        settings = {"MAILIT_MASTER_KEY": MASTER_KEY, **aws_settings(emulator.endpoint, uuid.uuid4().hex[:8])}
        config = load(settings).aws
        assert config is not None
        migrate(config, TABLES, QUEUES)
        return statistics.median(_once(settings, json.dumps(_event()))[1] for _ in range(_TIMES))


def _once(settings: Mapping[str, str], *arguments: str) -> list[float]:
    """Milliseconds."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _PROGRAM, *arguments],
        env={**clean(os.environ), **settings},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [1000 * seconds for seconds in json.loads(done.stdout)]


def _event() -> dict[str, object]:
    """A proxy event of API Gateway."""
    headers = {"Authorization": "Bearer re_00000000_0000000000000000000000000", "Content-Type": "application/json"}
    body = {"from": "a@acme.test", "to": "b@bench.test", "subject": "Hello", "text": "Hello"}
    return {
        "resource": "/emails",
        "path": "/emails",
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/emails",
            "httpMethod": "POST",
            "identity": {"sourceIp": "127.0.0.1"},
            "path": "/emails",
        },
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
