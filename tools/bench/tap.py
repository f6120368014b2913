"""A reverse proxy on this machine that counts what passes through it, by the kind of call.

Each port of it is a stage of the path: whoever is given that port as its AWS is counted there.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from tests.parts.ports import LOOPBACK

_LONGEST = 16 * 1024 * 1024
_SERVICES = {"DynamoDB_20120810": "DynamoDB", "AmazonSQS": "SQS"}

Seen = Callable[[str, str, int, Mapping[str, Any], Mapping[str, Any]], None]
"""(stage, kind, status, request, answer): once for each call, before its answer is handed on. Bodies are those of JSON
protocols, empty for others."""


def kind_of(method: str, target: str) -> str:
    """`DynamoDB.GetItem`, `SQS.ReceiveMessage`, `S3.PUT`."""
    service, _, operation = target.partition(".")
    return f"{_SERVICES.get(service, service)}.{operation}" if target else f"S3.{method}"


class Tap:
    """`url` gives the address of a stage; there is one for each of `stages`."""

    def __init__(self, upstream: str, seen: Seen) -> None:
        self._to = urlsplit(upstream)
        self._seen = seen
        self._ports: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def url(self, stage: str) -> str:
        return f"http://{LOOPBACK}:{self._ports[stage]}"

    @contextmanager
    def open(self, *stages: str) -> Iterator[Tap]:
        """Listen, on a thread of its own."""
        loop, up, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

        async def serve() -> None:
            servers = [await self._listen(stage) for stage in stages]
            up.set()
            await ended.wait()
            for server in servers:
                server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
        thread.start()
        try:
            if not up.wait(10):
                raise RuntimeError("the proxy did not start")
            yield self
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join(10)
            loop.close()

    async def _listen(self, stage: str) -> asyncio.Server:
        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._serve(stage, reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        server = await asyncio.start_server(connected, LOOPBACK, 0, limit=_LONGEST)
        self._ports[stage] = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, stage: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: a request, its answer, and so on."""
        from_aws, to_aws = await asyncio.open_connection(self._to.hostname, self._to.port, limit=_LONGEST)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._one(stage, (reader, writer), (from_aws, to_aws)):
                    pass
        finally:
            writer.close()
            to_aws.close()

    async def _one(
        self,
        stage: str,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        aws: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> bool:
        """Whether there may be another one."""
        asked, headers = await _head(client[0])
        body = await _body(client[0], headers, until_closed=False)
        aws[1].write(asked + body)
        await aws[1].drain()
        answered, answer_headers = await _head(aws[0])
        method, status = asked.split(b" ", 1)[0].decode(), int(answered.split(b" ", 2)[1])
        bare = method == "HEAD" or status in (204, 304)
        answer = b"" if bare else await _body(aws[0], answer_headers, until_closed=True)
        self._seen(stage, kind_of(method, headers.get("x-amz-target", "")), status, _json(body), _json(answer))
        client[1].write(answered + answer)
        await client[1].drain()
        return answer_headers.get("connection", "").lower() != "close"


async def _head(reader: asyncio.StreamReader) -> tuple[bytes, dict[str, str]]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")[1:]
    return head, {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str], *, until_closed: bool) -> bytes:
    """As it was sent, chunks and all."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        parts = []
        while True:
            size = await reader.readuntil(b"\r\n")
            parts += [size, await reader.readexactly(int(size.split(b";")[0], 16) + 2)]
            if int(size.split(b";")[0], 16) == 0:
                return b"".join(parts)
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return await reader.read(-1) if until_closed else b""


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body) if body.startswith(b"{") else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
