"""How long a client waits for `POST /emails`, and how long an email takes to the other side when nothing else is on."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from tests.parts.deadline import wait_for
from tests.parts.ports import LOOPBACK, accepts, free_port
from tests.parts.sink_program import Session
from tools.bench import mail
from tools.bench.clients import send_all
from tools.bench.folder import temporary
from tools.bench.path import started
from tools.bench.rig import clean, environment, rig
from tools.bench.sink import other_side

_REQUESTS = {1: 400, 16: 1600}
_EMAILS = 25
_PAUSE = 0.15  # seconds between two emails of an idle MailIt


def measure() -> dict[str, float]:
    """The gateway alone: nobody works off what it accepts."""
    values: dict[str, float] = {}
    with temporary("accept") as folder:
        with rig(folder / "data") as made:
            key = made.key
        with _gateway(folder / "data") as api:
            send_all(api, key, "/emails", [mail.single(number) for number in range(50)], 4)
            for clients, count in _REQUESTS.items():
                seconds = send_all(api, key, "/emails", [mail.single(number) for number in range(count)], clients)
                values[f"accept_ms_p50_c{clients}"] = statistics.median(seconds) * 1000
                values[f"accept_ms_p99_c{clients}"] = statistics.quantiles(seconds, n=100)[98] * 1000
    return values


@contextmanager
def _gateway(data: Path) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve"],
        env=environment(data, **clean(os.environ), MAILIT_API_PORT=str(port)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(lambda: accepts(port), within=20, what="the gateway")
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.terminate()
        process.wait(20)


def measure_idle() -> dict[str, float]:
    """One email after the other; from the request to the end of DATA at the other side."""
    arrivals = _Arrivals()
    with (
        temporary("idle") as folder,
        _sink(arrivals) as port,
        other_side(port) as settings,
        started(folder / "data", settings) as (running, _),
    ):
        seconds = [_one(running.api, running.key, number, arrivals) for number in range(_EMAILS)]
    return {"idle_end_to_end_ms": statistics.median(seconds[5:]) * 1000}


def _one(api: str, key: str, number: int, arrivals: _Arrivals) -> float:
    time.sleep(_PAUSE)
    connection = HTTPConnection(api.removeprefix("http://"), timeout=20)
    body = mail.single(number)
    begun = time.monotonic()
    connection.request("POST", "/emails", body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    connection.getresponse().read()
    connection.close()
    wait_for(lambda: mail.recipient(number) in arrivals.at, within=20, what="the email")
    return arrivals.at[mail.recipient(number)] - begun


class _Arrivals:
    """When each recipient's message came; takes the place of the sink's records."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def add(self, _sender: bytes, recipients: Sequence[bytes], _content: bytes) -> None:
        """One message."""
        self.at |= dict.fromkeys((recipient.decode() for recipient in recipients), time.monotonic())


@contextmanager
def _sink(arrivals: _Arrivals) -> Iterator[int]:
    loop, ports = asyncio.new_event_loop(), list[int]()
    ended = asyncio.Event()

    async def serve() -> None:
        server = await loop.create_server(lambda: Session(arrivals), LOOPBACK, 0)  # type: ignore[arg-type]
        ports.append(server.sockets[0].getsockname()[1])
        await ended.wait()
        server.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    try:
        yield wait_for(lambda: ports[0] if ports else None, what="the sink")
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()
