"""Fixtures for all tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House, build_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A MailIt with a team, its key, and nothing else."""
    made = build_house(tmp_path)
    yield made
    made.engine.close()


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, House]:
    """A closed house with a verified domain, to be copied: making its keys takes a while."""
    folder = tmp_path_factory.mktemp("furnished")
    made = build_house(folder)
    made.verified("acme.test")
    made.engine.close()
    return folder, made


@pytest.fixture
def acme(furnished: tuple[Path, House], tmp_path: Path) -> Iterator[House]:
    """The same, with a verified domain `acme.test`."""
    shutil.copytree(furnished[0], tmp_path, dirs_exist_ok=True)
    made = build_house(tmp_path, like=furnished[1])
    yield made
    made.engine.close()
