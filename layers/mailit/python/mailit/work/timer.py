"""A timer as a deployable: an EventBridge event in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalice.app import Chalice, CloudWatchEvent, Rate

from mailit import wiring
from mailit.usecases.deps import Deps
from mailit.work.spec import TimerSpec

Handler = Callable[[Deps], object]


class Timer:
    """Callable with (event, context). What it raises is the platform's to log and to try again."""

    def __init__(self, spec: TimerSpec, handler: Handler, deps: Callable[[], Deps] = wiring.get) -> None:
        self.spec = spec
        self._handler = handler
        self._deps = deps
        app = Chalice(spec.name, configure_logs=False, env={})
        every = Rate(max(1, spec.every // 60), unit=Rate.MINUTES)
        self._entry = app.schedule(every, name=spec.name)(self._handle)

    def on(self, deps: Deps) -> Timer:
        """The same timer on other Deps."""
        return Timer(self.spec, self._handler, lambda: deps)

    def __call__(self, event: dict[str, Any], context: object = None) -> None:
        """One run."""
        self._entry(event, context)

    def _handle(self, _event: CloudWatchEvent) -> None:
        self._handler(self._deps())
