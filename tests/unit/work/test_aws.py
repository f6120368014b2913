"""The engine `aws` from its settings to a sent email, on moto's server in this process."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable

import pytest

from mailit.__main__ import main
from mailit.domain.errors import Unavailable
from mailit.engines.aws.config import AwsConfig
from mailit.engines.aws.engine import Engine
from mailit.engines.aws.patience import Patience
from mailit.ports.queue import Job
from mailit.ports.table import Key, Put
from mailit.stores.queues import QUEUES
from mailit.stores.tables import TABLES
from mailit.wiring import build
from mailit.wiring.settings import BadSetting, load
from tests.contract.aws import moto
from tests.parts.ports import free_port


@pytest.fixture
def environment() -> dict[str, str]:
    name = uuid.uuid4().hex[:12]
    return {
        "AWS_REGION": "us-east-1",
        "MAILIT_ENGINE": "aws",
        "MAILIT_AWS_ENDPOINT": moto(),
        "MAILIT_PREFIX": f"m-{name}-",
        "MAILIT_BUCKET": f"mail-{name}",
        "MAILIT_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
    }


def test_migrate_makes_what_the_engine_needs_and_may_run_again(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate"], environment) == 0
    assert environment["MAILIT_BUCKET"] in capsys.readouterr().out
    deps = build(load(environment)).deps
    for spec in TABLES:
        deps.table.put(Put(Key(spec.name, "p", "s"), {}))
    deps.queue.put_many([Job(spec.name, "job") for spec in QUEUES])
    deps.blobs.put("team/k", b"x")
    assert main(["migrate"], environment) == 0
    assert deps.table.get(Key(TABLES[0].name, "p", "s")) is not None
    assert [deps.queue.stats(spec.name).waiting for spec in QUEUES] == [1] * len(QUEUES)
    assert deps.blobs.get("team/k") == b"x"


def test_migrate_says_why_it_cannot(environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], environment) == 2
    environment["MAILIT_AWS_ENDPOINT"] = "ftp://127.0.0.1"
    assert main(["migrate"], environment) == 1
    assert "MAILIT_AWS_ENDPOINT" in capsys.readouterr().err


def test_the_embedded_engine_has_nothing_to_migrate(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate"], {"MAILIT_MASTER_KEY": environment["MAILIT_MASTER_KEY"]}) == 0
    assert "nothing to do" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_REGION", ""),
        ("MAILIT_BUCKET", ""),
        ("MAILIT_S3_ENDPOINT", "127.0.0.1:9000"),
        ("MAILIT_SQS_ENDPOINT", "http://127.0.0.1:9324/queue"),
        ("MAILIT_DYNAMODB_ENDPOINT", "http://"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(environment: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        load({**environment, name: value})


def test_one_service_may_live_elsewhere(environment: dict[str, str]) -> None:
    aws = load({**environment, "MAILIT_S3_ENDPOINT": "https://s3.example.com/"}).aws
    assert aws is not None
    assert (aws.s3, aws.sqs, aws.dynamodb) == ("https://s3.example.com", moto(), moto())


USES: dict[str, Callable[[Engine], object]] = {
    "table": lambda engine: engine.table.get(Key(TABLES[0].name, "p", "s")),
    "queue": lambda engine: engine.queue.put(Job(QUEUES[0].name, "job")),
    "blobs": lambda engine: engine.blobs.get("team/k"),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_service_that_is_not_there_is_unavailable(use: Callable[[Engine], object]) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    pauses: list[float] = []
    config = AwsConfig("us-east-1", "m-", "mail", nowhere, nowhere, nowhere)
    engine = Engine(config, TABLES, QUEUES, Patience(tries=3, sleep=pauses.append))
    with pytest.raises(Unavailable):
        use(engine)
    assert len(pauses) == 2
    engine.close()
