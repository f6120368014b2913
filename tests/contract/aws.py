"""The engine `aws` on what speaks its protocols: moto in process, MiniStack, and dynalite for the table alone."""

from __future__ import annotations

import atexit
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

from moto.core.utils import unix_time
from moto.server import ThreadedMotoServer
from moto.sqs import models as sqs_models

from mailit.engines.aws.config import AwsConfig
from mailit.engines.aws.engine import Engine
from mailit.engines.aws.migrate import migrate, migrate_tables
from mailit.ports.queue import QueueSpec
from mailit.ports.table import TableSpec
from tests.parts.dynalite import Dynalite
from tests.parts.ministack import MiniStack
from tests.parts.part import Part
from tests.parts.ports import LOOPBACK

P = TypeVar("P", bound=Part)

_TABLES_ALONE = "-tables"


def fresh_place(endpoint: str, *, tables_alone: bool = False) -> str:
    """Tables, queues and a bucket that nobody else uses."""
    return f"{endpoint}|{uuid.uuid4().hex[:12]}{_TABLES_ALONE if tables_alone else ''}"


def config_of(place: str) -> AwsConfig:
    """What `place` says."""
    endpoint, _, name = place.partition("|")
    return AwsConfig("us-east-1", f"t-{name}-", f"bucket-{name}", endpoint, endpoint, endpoint)


@contextmanager
def opened(place: str, tables: tuple[TableSpec, ...], queues: tuple[QueueSpec, ...]) -> Iterator[Engine]:
    """The engine at `place`, with everything it needs."""
    config = config_of(place)
    if place.endswith(_TABLES_ALONE):
        migrate_tables(config, tables)
    else:
        migrate(config, tables, queues)
    engine = Engine(config, tables, queues)
    try:
        yield engine
    finally:
        engine.close()


_ahead: list[float] = []
sqs_models.unix_time = lambda *_: unix_time() + sum(_ahead)
sqs_models.unix_time_millis = lambda *_: 1000 * (unix_time() + sum(_ahead))


def forward_moto(seconds: float) -> None:
    """Let so many seconds pass for moto's queues."""
    _ahead.append(seconds)


@cache
def moto() -> str:
    """The endpoint of moto's server in this process."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(LOOPBACK, 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


@cache
def ministack() -> MiniStack:
    """The one of this test run."""
    return _until_the_end(MiniStack(Path(mkdtemp(prefix="mailit-ministack-"))))


@cache
def dynalite() -> Dynalite:
    """The one of this test run."""
    return _until_the_end(Dynalite(Path(mkdtemp(prefix="mailit-dynalite-"))))


def _until_the_end(part: P) -> P:
    atexit.register(part.close)
    return part
