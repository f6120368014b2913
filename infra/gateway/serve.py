"""`python -m gateway serve`: the functions behind gunicorn."""

from __future__ import annotations

import socket
import struct
from typing import Any

from gunicorn.app.base import BaseApplication

from gateway import catalogue
from gateway.wsgi import Gateway
from mailit.engines.net.clock import SystemClock
from mailit.wiring.settings import Settings

_SILENCE = 30  # seconds a client may send, or take, nothing
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
            "when_ready": _limit_silence,
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Gateway:
        return Gateway(catalogue.load(only=self._settings.functions), SystemClock().now)


def _limit_silence(server: Any) -> None:
    """gunicorn's threads read and write without a time limit. Connections inherit these from the listening socket."""
    for listener in server.LISTENERS:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", _SILENCE, 0))


def serve(settings: Settings) -> None:
    """Runs until it is told to stop."""
    _Server(settings).run()
