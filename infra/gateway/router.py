"""Which function serves a method and a path. Fixed segments win over parameters, as in API Gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from mailit.http import Function


@dataclass(frozen=True, slots=True)
class Match:
    """`function` None: the path is known, not with this method."""

    function: Function | None
    path: dict[str, str]


class Router:
    """The routes by their number of segments, most fixed first."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self._templates: dict[int, list[tuple[list[str], dict[str, Function]]]] = {}
        by_path: dict[str, dict[str, Function]] = {}
        for function in functions:
            by_path.setdefault(function.spec.path, {})[function.spec.method] = function
        for path, methods in by_path.items():
            segments = path.strip("/").split("/")
            self._templates.setdefault(len(segments), []).append((segments, methods))
        for templates in self._templates.values():
            templates.sort(key=lambda item: [segment.startswith("{") for segment in item[0]])

    def find(self, method: str, path: str) -> Match | None:
        """`path` as it was sent, still percent-encoded; None when no route has it."""
        segments = path.strip("/").split("/")
        known: Match | None = None
        for template, methods in self._templates.get(len(segments), ()):
            values = _fit(template, segments)
            if values is None:
                continue
            function = methods.get("GET" if method == "HEAD" else method)
            if function is not None:
                return Match(function, values)
            known = known or Match(None, values)
        return known


def _fit(template: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for expected, segment in zip(template, segments, strict=True):
        if expected.startswith("{"):
            if not segment:
                return None
            values[expected[1:-1]] = unquote_to_bytes(segment).decode("utf-8", "replace")
        elif expected != segment:
            return None
    return values
