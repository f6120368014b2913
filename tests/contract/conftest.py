"""Fixtures of the contract suite: every test runs on every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contract.deviations import DEVIATIONS
from tests.contract.engines import KINDS, Clock, Engine, Kind


def pytest_addoption(parser: pytest.Parser) -> None:
    usual = ",".join(name for name, kind in KINDS.items() if kind.in_check)
    parser.addoption("--engines", default=usual, help=f"engines with commas between, of {', '.join(KINDS)}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test on every engine that has what it asks for."""
    if "kind" not in metafunc.fixturenames:
        return
    wanted: set[str] = getattr(metafunc.module, "PORTS", set())
    kinds = [KINDS[name] for name in metafunc.config.getoption("--engines").split(",")]
    fit = [kind for kind in kinds if wanted <= kind.ports]
    metafunc.parametrize("kind", fit, ids=lambda kind: kind.name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What an emulator is known to get wrong has to fail there."""
    for item in items:
        name, _, parameters = item.name.partition("[")
        for (kind, test), reason in DEVIATIONS.items():
            own_name, _, own_parameters = test.partition("[")
            if name == own_name and parameters.startswith(kind) and own_parameters in parameters:
                item.add_marker(pytest.mark.xfail(reason=f"{kind} {reason}", strict=True))


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
def later(kind: Kind, place: str, clock: Clock) -> Callable[[float], None]:
    """Lets so many seconds pass for the engine."""

    def pass_by(seconds: float) -> None:
        clock.forward(seconds)
        kind.forward(place, seconds)

    return pass_by
