"""A bundle whose files and declarations disagree does not start."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from gateway.catalogue import BadCatalogue, Catalogue, load

ROUTE = """
from mailit.contracts.api.base import Answer
from mailit.domain.api_keys import Rate, Scope
from mailit.http import route

@route("{method}", "{path}", id="{id}", summary="x", answer=Answer, {scope}rate=Rate.NONE)
def handler(call):
    return Answer()
"""
TIMER = """
from mailit.work import timer

@timer("{name}", every=60)
def handler(deps):
    pass
"""
_numbers = count()


def route_file(identity: str, path: str = "/things", method: str = "GET", scope: str = "scope=Scope.PUBLIC, ") -> str:
    return ROUTE.format(method=method, path=path, id=identity, scope=scope)


class Bundle:
    """A package of function files."""

    def __init__(self, folder: Path) -> None:
        self.name = f"bundle_{next(_numbers)}"
        self._folder = folder / self.name
        self._write("__init__.py", "")

    def _write(self, path: str, text: str) -> None:
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def add(self, path: str, text: str) -> Bundle:
        self._write(path, text)
        self._write(f"{path.partition('/')[0]}/__init__.py", "")
        return self

    def load(self) -> Catalogue:
        return load(self.name)


@pytest.fixture
def bundle(tmp_path: Path) -> Iterator[Bundle]:
    made = Bundle(tmp_path)
    sys.path.insert(0, str(tmp_path))
    yield made
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == made.name]:
        del sys.modules[name]


def test_all_functions_are_found(bundle: Bundle) -> None:
    bundle.add("things/list_all.py", route_file("things/list-all"))
    bundle.add("big_things/make.py", route_file("big-things/make", method="POST"))
    found = bundle.add("workers/tick.py", TIMER.format(name="tick")).load()
    assert [function.spec.id for function in found.routes] == ["big-things/make", "things/list-all"]
    assert [timer.spec.name for timer in found.timers] == ["tick"]


def test_an_operation_has_the_name_of_its_file(bundle: Bundle) -> None:
    with pytest.raises(BadCatalogue, match=r"things\.get declares things/list"):
        bundle.add("things/get.py", route_file("things/list")).load()


def test_a_worker_has_the_name_of_its_file(bundle: Bundle) -> None:
    with pytest.raises(BadCatalogue, match=r"workers\.tick declares tock"):
        bundle.add("workers/tick.py", TIMER.format(name="tock")).load()


def test_two_functions_cannot_have_the_same_route(bundle: Bundle) -> None:
    bundle.add("things/get.py", route_file("things/get"))
    with pytest.raises(BadCatalogue, match="have the same route"):
        bundle.add("things/list.py", route_file("things/list")).load()


def test_a_file_without_a_function_is_refused(bundle: Bundle) -> None:
    with pytest.raises(BadCatalogue, match="has no handler"):
        bundle.add("things/get.py", "").load()


def test_some_resources_alone_with_health(bundle: Bundle) -> None:
    for resource in ("big_things", "health", "things"):
        bundle.add(f"{resource}/get.py", route_file(f"{resource.replace('_', '-')}/get", path=f"/{resource}"))
    found = load(bundle.name, only=("big_things",))
    assert [function.spec.id for function in found.routes] == ["big-things/get", "health/get"]


def test_a_resource_that_is_not_there_is_refused(bundle: Bundle) -> None:
    bundle.add("things/get.py", route_file("things/get"))
    with pytest.raises(BadCatalogue, match="there are no functions in nothing"):
        load(bundle.name, only=("things", "nothing"))


def test_a_route_without_a_scope_does_not_load(bundle: Bundle) -> None:
    with pytest.raises(TypeError, match="scope"):
        bundle.add("things/get.py", route_file("things/get", scope="")).load()
