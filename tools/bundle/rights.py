"""Which tables and queues a part of the bundle may touch, read from its imports.

A role gets the tables and queues whose names the part's own modules, and all that they import, take from
`mailit.stores.tables` and `mailit.stores.queues`. That is never too little: nothing else names a table or a queue.
Reading the imports runs nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from mailit.domain.lanes import Lane
from mailit.stores import queues, tables

ROOT = Path(__file__).parent.parent.parent
SOURCES = (ROOT, ROOT / "layers/mailit/python", ROOT / "smtp-edge")

_TABLES, _QUEUES = tables.__name__, queues.__name__
# The composition root reaches everything, on behalf of whoever asks; `Deps` carries the ports and the store of emails.
_NOT_FOLLOWED = (_TABLES, _QUEUES, "mailit.wiring", "mailit.usecases.deps")
_BELOW = tuple(f"{name}." for name in _NOT_FOLLOWED)
_OF_DEPS = {"emails": "mailit.stores.emails", "blobs": "mailit.ports.blobs"}


@dataclass(slots=True)
class Rights:
    """Names of tables and queues. `queues`: those it puts jobs into. `watches`: it asks how all queues are doing."""

    tables: set[str] = field(default_factory=set)
    queues: set[str] = field(default_factory=set)
    watches: bool = False
    blobs: bool = False


def rights_of(files: Iterable[Path]) -> Rights:
    """What these files and everything below them may touch."""
    found = Rights()
    waiting, seen = list(files), set[Path]()
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        for module, name in _names(file):
            _note(found, module, name)
            waiting += _files(module, name)
    return found


def _note(found: Rights, module: str, name: str) -> None:
    if module == _TABLES:
        found.tables |= _tables(name)
    elif module == _QUEUES and name == "QUEUES":
        found.watches = True
    elif module == _QUEUES:
        found.queues |= _queues(name)
    elif module == "mailit.ports.blobs":
        found.blobs = True


def _tables(name: str) -> set[str]:
    known = {spec.name for spec in tables.TABLES}
    value = getattr(tables, name)
    return known if value is tables.TABLES else {value} & known


def _queues(name: str) -> set[str]:
    value = getattr(queues, name)
    return {value} if isinstance(value, str) else {value(lane) for lane in Lane}


@cache
def _names(file: Path) -> tuple[tuple[str, str], ...]:
    """(module, imported name) of every import of our own, and the ports that are reached through `deps`."""
    return tuple(_imports(ast.parse(file.read_text("utf-8"))))


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.Attribute) and node.attr in _OF_DEPS and _is_deps(node.value):
            yield _OF_DEPS[node.attr], ""


def _is_deps(node: ast.expr) -> bool:
    """`deps.…`, `self._deps.…`, `call.deps.…`."""
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name.strip("_") == "deps"


def _files(module: str, name: str) -> Iterator[Path]:
    """The files of a module of ours: `from package import module` too."""
    for full in (module, f"{module}.{name}"):
        if full.partition(".")[0] not in {"mailit", "edge"} or f"{full}.".startswith(_BELOW):
            continue
        path = full.replace(".", "/")
        yield from (
            file
            for source in SOURCES
            for file in (source / f"{path}.py", source / path / "__init__.py")
            if file.is_file()
        )
