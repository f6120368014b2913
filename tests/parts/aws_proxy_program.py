"""An HTTP proxy that disturbs AWS calls: `python aws_proxy_program.py BACKEND_PORT SEED RATES`.

RATES: JSON, kind of fault → how many of a thousand calls. Prints its port. `GET /--faults` tells what it did so far.
Imports nothing of ours.

- `delay`: the call is held back for up to 300 ms;
- `before`: the connection ends, the service never saw the call;
- `after`: the service carried the call out, its answer is lost;
- `error`: 500, half the time after the service carried the call out;
- `throttle`: 400 (S3: 503), nothing was carried out;
- `half`: of a batch a part is carried out, the rest is given back; single calls are left alone.
"""

import asyncio
import json
import random
import signal
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

import uvloop

_LONGEST_DELAY = 0.3  # seconds
_LIMIT = 1 << 20  # octets of a head
_ABOUT = b"/--faults"
_THROTTLES = {
    "dynamodb": ("ProvisionedThroughputExceededException", "ThrottlingException"),
    "sqs": ("RequestThrottled", "ThrottlingException"),
}
_SPACES = {"dynamodb": "com.amazonaws.dynamodb.v20120810#", "sqs": "com.amazonaws.sqs#"}

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Message:
    """A request or an answer. `head` ends with the empty line."""

    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes:
        """Its value, or nothing."""
        for line in self.head.split(b"\r\n")[1:]:
            found, _, value = line.partition(b":")
            if found.lower() == name:
                return value.strip()
        return b""

    def with_body(self, body: bytes) -> "Message":
        """The same with another body; what was said about the old one goes."""
        gone = (b"content-length:", b"transfer-encoding:", b"x-amz-crc32:", b"x-amz-content-sha256:")
        lines = [line for line in self.head.split(b"\r\n") if line and not line.lower().startswith(gone)]
        return Message(b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", b""]), body)

    @property
    def service(self) -> str:
        """dynamodb, sqs or s3."""
        target = self.header(b"x-amz-target").lower()
        return "dynamodb" if target.startswith(b"dynamodb") else "sqs" if target.startswith(b"amazonsqs") else "s3"

    @property
    def operation(self) -> str:
        """The last part of its target."""
        return self.header(b"x-amz-target").decode().rpartition(".")[2] or self.head.split(b" ", 1)[0].decode()


async def read_message(reader: asyncio.StreamReader, *, bodiless: bool = False) -> Message | None:
    """None at the end of the stream."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    message = Message(head, b"")
    if bodiless or head.split(b" ", 2)[1] in (b"204", b"304"):
        return message
    if message.header(b"transfer-encoding").lower() == b"chunked":
        return message.with_body(await _chunks(reader))
    return Message(head, await reader.readexactly(int(message.header(b"content-length") or 0)))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    found = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        found += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return bytes(found)


class Backend:
    """The service, over connections that are kept."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[Connection] = []

    async def ask(self, request: Message) -> Message:
        """Its answer. A kept connection that has ended meanwhile is replaced by a new one."""
        while self._free:
            connection = self._free.pop()
            if not connection[0].at_eof():
                answer = await self._ask(connection, request)
                if answer is not None:
                    return answer
        answer = await self._ask(await asyncio.open_connection("127.0.0.1", self._port, limit=_LIMIT), request)
        if answer is None:
            raise ConnectionError("the service does not answer")
        return answer

    async def _ask(self, connection: Connection, request: Message) -> Message | None:
        reader, writer = connection
        try:
            writer.write(request.head + request.body)
            answer = await read_message(reader, bodiless=request.head.startswith(b"HEAD "))
        except ConnectionError:
            answer = None
        if answer is None or answer.header(b"connection").lower() == b"close":
            writer.close()
        else:
            self._free.append(connection)
        return answer


class Proxy:
    """One per process. `rates`: of a thousand calls."""

    def __init__(self, backend: Backend, chance: random.Random, rates: dict[str, int]) -> None:
        self._backend = backend
        self._chance = chance
        self._kinds = [*rates, "none"]
        self._weights = [*rates.values(), 1000 - sum(rates.values())]
        self._counts = Counter[str]()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection."""
        try:
            while (request := await read_message(reader)) is not None:
                answer = await self._answer(request)
                if answer is None:
                    break
                writer.write(answer.head + answer.body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client is gone
        finally:
            writer.close()

    async def _answer(self, request: Message) -> Message | None:
        """None: the connection ends without one."""
        if request.head.split(b" ", 2)[1] == _ABOUT:
            return _made(200, json.dumps(self._counts).encode())
        kind = self._chance.choices(self._kinds, self._weights)[0]
        if kind == "half" and not _is_batch(request):
            kind = "none"
        self._counts["calls"] += 1
        if kind != "none":
            self._counts[kind] += 1
            self._counts[f"{kind} {request.service}"] += 1
        return await self._disturbed(kind, request)

    async def _disturbed(self, kind: str, request: Message) -> Message | None:
        if kind == "before":
            return None
        if kind == "throttle":
            return self._throttled(request)
        if kind == "half":
            return await self._half(request)
        if kind == "delay":
            await asyncio.sleep(self._chance.uniform(0, _LONGEST_DELAY))
        if kind == "error" and self._chance.random() < 0.5:
            return _failed(request, 500, "InternalServerError")
        answer = await self._backend.ask(request)
        if kind == "error":
            return _failed(request, 500, "InternalServerError")
        return None if kind == "after" else answer

    def _throttled(self, request: Message) -> Message:
        if request.service == "s3":
            return _failed(request, 503, "SlowDown")
        return _failed(request, 400, self._chance.choice(_THROTTLES[request.service]))

    async def _half(self, request: Message) -> Message:
        asked: dict[str, Any] = json.loads(request.body)
        if "Entries" in asked:
            return await self._half_entries(request, asked)
        return await self._half_rows(request, asked)

    async def _half_entries(self, request: Message, asked: dict[str, Any]) -> Message:
        done, left = self._split(asked["Entries"])
        failed = [
            {"Id": entry["Id"], "SenderFault": False, "Code": "InternalError", "Message": "not now"} for entry in left
        ]
        if not done:
            return _made(200, json.dumps({"Successful": [], "Failed": failed}).encode(), request)
        answer = await self._backend.ask(request.with_body(json.dumps({**asked, "Entries": done}).encode()))
        told = json.loads(answer.body)
        if "Successful" not in told and "Failed" not in told:
            return answer
        told["Failed"] = [*(told.get("Failed") or ()), *failed]
        return answer.with_body(json.dumps(told).encode())

    async def _half_rows(self, request: Message, asked: dict[str, Any]) -> Message:
        """Of each table a part."""
        reads = request.operation == "BatchGetItem"
        done: dict[str, Any] = {}
        left: dict[str, Any] = {}
        for table, wanted in asked["RequestItems"].items():
            for target, part in zip((done, left), self._split(wanted["Keys"] if reads else wanted), strict=True):
                if part:
                    target[table] = {**wanted, "Keys": part} if reads else part
        name = "UnprocessedKeys" if reads else "UnprocessedItems"
        if not done:
            return _made(200, json.dumps({"Responses": {}, name: left} if reads else {name: left}).encode(), request)
        answer = await self._backend.ask(request.with_body(json.dumps({**asked, "RequestItems": done}).encode()))
        told = json.loads(answer.body)
        if "__type" in told:
            return answer
        told[name] = {**told.get(name, {}), **left}
        return answer.with_body(json.dumps(told).encode())

    def _split(self, items: list[Any]) -> tuple[list[Any], list[Any]]:
        """Each item is done or left by chance, not the first ones."""
        done, left = [], []
        for item in items:
            (done if self._chance.random() < 0.5 else left).append(item)
        return done, left


def _is_batch(request: Message) -> bool:
    return "Batch" in request.operation


def _failed(request: Message, status: int, code: str) -> Message:
    if request.service == "s3":
        body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>not now</Message></Error>'
        return _made(status, b"" if request.head.startswith(b"HEAD ") else body.encode(), request)
    body = json.dumps({"__type": _SPACES[request.service] + code, "message": "not now"})
    return _made(status, body.encode(), request, code)


def _made(status: int, body: bytes, request: Message | None = None, code: str = "") -> Message:
    """An answer that the service did not give."""
    kind = b"application/xml" if request is not None and request.service == "s3" else b"application/x-amz-json-1.0"
    lines = [b"HTTP/1.1 %d -" % status, b"Content-Type: " + kind, b"Content-Length: %d" % len(body)]
    if code:
        lines.append(b"x-amzn-ErrorType: " + code.encode())
    return Message(b"\r\n".join([*lines, b"", b""]), body)


async def main(backend: int, seed: int, rates: dict[str, int]) -> None:
    """Until SIGTERM."""
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    proxy = Proxy(Backend(backend), random.Random(seed), rates)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=_LIMIT, backlog=512)
    sys.stdout.write(f"port {server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await end.wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])))
