"""The engines that the contract suite runs on. An engine joins by one more parameter here; the tests stay the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailit.engines.embedded.engine import Engine, open_engine
from mailit.ports.queue import QueueSpec
from mailit.ports.table import Index, TableSpec
from tests.house import Clock

TABLES = (TableSpec("things", (Index("by_owner", "owner", "rank"),)), TableSpec("others"))
QUEUES = (QueueSpec("work", visibility=30, max_receives=3), QueueSpec("more"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["embedded"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Engine]:
    made = open_engine(tmp_path, TABLES, QUEUES, clock)
    yield made
    made.close()
