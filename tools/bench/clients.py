"""HTTP clients that send one request after the other on a connection each."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from urllib.parse import urlsplit


class Client(threading.Thread):
    """Sends its bodies and notes how long each took."""

    def __init__(self, api: str, key: str, path: str, bodies: Sequence[bytes]) -> None:
        super().__init__(daemon=True)
        self.seconds: list[float] = []
        self.failure: str | None = None
        self._host = urlsplit(api).netloc
        self._path = path
        self._bodies = bodies
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def run(self) -> None:
        connection = HTTPConnection(self._host, timeout=60)
        for body in self._bodies:
            started = time.perf_counter()
            connection.request("POST", self._path, body, self._headers)
            answer = connection.getresponse()
            text = answer.read()
            self.seconds.append(time.perf_counter() - started)
            if answer.status != 200:
                self.failure = f"{answer.status}: {text[:300]!r}"
                break
        connection.close()


def send_all(api: str, key: str, path: str, bodies: Sequence[bytes], clients: int) -> list[float]:
    """All bodies, shared out among so many clients; the seconds of each request."""
    made = [Client(api, key, path, bodies[number::clients]) for number in range(clients)]
    for client in made:
        client.start()
    for client in made:
        client.join()
    for client in made:
        if client.failure or len(client.seconds) != len(client._bodies):
            raise RuntimeError(f"{path}: {client.failure or 'the connection broke'}")
    return [seconds for client in made for seconds in client.seconds]
