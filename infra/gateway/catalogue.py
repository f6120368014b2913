"""Finds the functions: `functions/<resource>/<verb>.py` and `functions/workers/<job>.py`, each with one `handler`."""

from __future__ import annotations

import pkgutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib import import_module

from mailit.domain.errors import MailItError
from mailit.http import Function
from mailit.usecases.deps import Deps
from mailit.work import QueueWorker, Timer


class BadCatalogue(MailItError):
    """A function's file and what it declares disagree; nothing starts."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All functions of a bundle, in the order of their names."""

    routes: tuple[Function, ...]
    workers: tuple[QueueWorker, ...]
    timers: tuple[Timer, ...]

    def on(self, deps: Deps) -> Catalogue:
        """The same functions on other Deps than the process's own."""
        return Catalogue(
            tuple(function.on(deps) for function in self.routes),
            tuple(worker.on(deps) for worker in self.workers),
            tuple(timer.on(deps) for timer in self.timers),
        )


_EVERYWHERE = "health"


def load(package: str = "functions", only: Collection[str] = ()) -> Catalogue:
    """Import every function below `package` and check that its declaration fits its place. `only`: folders to be
    taken instead of all; health is always with them."""
    routes, workers, timers = [], [], []
    for name in _modules(package, only):
        handler = getattr(import_module(name), "handler", None)
        if isinstance(handler, Function):
            _check_route(name, handler)
            routes.append(handler)
        elif isinstance(handler, QueueWorker):
            _check_worker(name, handler.spec.name)
            workers.append(handler)
        elif isinstance(handler, Timer):
            _check_worker(name, handler.spec.name)
            timers.append(handler)
        else:
            raise BadCatalogue(f"{name} has no handler")
    _check_unique(routes)
    return Catalogue(tuple(routes), tuple(workers), tuple(timers))


def _modules(package: str, only: Collection[str]) -> Iterator[str]:
    root = import_module(package)
    resources = sorted(found.name for found in pkgutil.iter_modules(root.__path__))
    if unknown := set(only) - set(resources):
        raise BadCatalogue(f"there are no functions in {', '.join(sorted(unknown))}")
    for resource in resources:
        if only and resource not in {*only, _EVERYWHERE}:
            continue
        inner = import_module(f"{package}.{resource}")
        for verb in sorted(pkgutil.iter_modules(inner.__path__), key=lambda found: found.name):
            yield f"{package}.{resource}.{verb.name}"


def _check_route(module: str, function: Function) -> None:
    _, resource, verb = module.rsplit(".", 2)
    if function.spec.id != f"{resource}/{verb}".replace("_", "-"):
        raise BadCatalogue(f"{module} declares {function.spec.id}")


def _check_worker(module: str, name: str) -> None:
    if module.rpartition(".")[2] != name:
        raise BadCatalogue(f"{module} declares {name}")


def _check_unique(routes: list[Function]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for function in routes:
        key = (function.spec.method, function.spec.path)
        if key in seen:
            raise BadCatalogue(f"{function.spec.id} and {seen[key]} have the same route")
        seen[key] = function.spec.id
