"""`python -m gateway serve`: the functions behind gunicorn."""

from __future__ import annotations

from typing import Any

from gunicorn.app.base import BaseApplication

from gateway import catalogue
from gateway.wsgi import Gateway
from mailit.engines.net.clock import SystemClock
from mailit.wiring.settings import Settings

_THREADS = 16  # waiting for bodies; one of them at a time runs a function


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, configured here instead of by a file."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": f"{self._settings.api_host}:{self._settings.api_port}",
            "workers": self._settings.workers,
            "worker_class": "gthread",
            "threads": _THREADS,
            "preload_app": True,  # imports are shared; connections are opened by the workers
            "keepalive": 75,
            "graceful_timeout": 2,  # idle connections are waited for too
            "timeout": 60,
            "proc_name": "mailit-gateway",
            "accesslog": None,
            "loglevel": "warning",
            "control_socket_disable": True,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Gateway:
        return Gateway(catalogue.load(), SystemClock().now)


def serve(settings: Settings) -> None:
    """Runs until it is told to stop."""
    _Server(settings).run()
