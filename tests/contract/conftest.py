"""Fixtures of the contract suite: every test runs on every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contract.engines import KINDS, Clock, Engine, Kind


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    found = request.param
    assert isinstance(found, Kind)
    return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(kind: Kind, tmp_path: Path) -> str:
    """Where the engine lives; other processes open it there."""
    return kind.find(tmp_path)


@pytest.fixture
def engine(kind: Kind, place: str, clock: Clock) -> Iterator[Engine]:
    with kind.open(place, clock) as opened:
        yield opened


@pytest.fixture
def later(clock: Clock) -> Callable[[float], None]:
    """Lets so many seconds pass for the engine."""
    return clock.forward
