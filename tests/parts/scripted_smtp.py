"""An SMTP server that follows a script, one per connection; the last one serves all further connections.

S: 220 mx.test          say a line (CRLF is added)
S~ 250-mx               say bytes as they are, without a line end
C: MAIL FROM            read a line that has to begin so (any case)
C: .                    read a message to its final dot
starttls                do the handshake
starttls broken         answer the handshake with nonsense
wait 0.1                be slow, in seconds
hang                    say nothing more until the other side gives up
close                   close the connection; the end of a script does so too
repeat                  start again at the line `again:`
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Sequence

from tests.parts.part import Part
from tests.parts.ports import LOOPBACK

GREETING = """
S: 220 mx.test ESMTP
C: EHLO
S: 250-mx.test
S: 250-SIZE 10000000
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-ENHANCEDSTATUSCODES
S: 250 PIPELINING
"""

TRANSACTION = """
C: MAIL FROM
S: 250 2.1.0 ok
C: RCPT TO
S: 250 2.1.5 ok
C: DATA
S: 354 go on
C: .
S: 250 2.0.0 queued
"""

ACCEPTING = f"{GREETING}\nagain:\n{TRANSACTION}\nrepeat\n"


def refusing(stage: str, reply: str) -> str:
    """A script of a server with PIPELINING that refuses at `stage`: MAIL, RCPT, DATA or dot."""
    answers = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", "dot": "250 ok", stage: reply}
    lines = [f"C: MAIL\nC: RCPT\nC: DATA\nS: {answers['MAIL']}\nS: {answers['RCPT']}"]
    if stage in ("MAIL", "RCPT"):
        lines.append("S: 503 5.5.1 no valid recipients")
    elif stage == "DATA":
        lines.append(f"S: {reply}")
    else:
        lines.append(f"S: 354 go on\nC: .\nS: {reply}")
    return f"{GREETING}\n{chr(10).join(lines)}\nC: RSET\nS: 250 ok\nhang\n"


class ScriptedSmtp(Part):
    """Listens on `host`, on an ephemeral port unless one is given. `messages`: what was taken to its final dot, dots
    unstuffed; `lines`: the commands that came."""

    def __init__(self, *scripts: str, tls: ssl.SSLContext | None = None, host: str = LOOPBACK, port: int = 0) -> None:
        self._scripts: Sequence[str] = scripts
        self._tls = tls
        self.connections = 0
        self.lines: list[str] = []
        self.messages: list[bytes] = []
        self.secured: list[bool] = []
        self.faults: list[str] = []
        self._host = host
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(started))
        self._loop.close()

    async def _serve(self, started: threading.Event) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connected, self._host, self.port, limit=2**26)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        try:
            await self._follow([line.strip() for line in script.splitlines() if line.strip()], reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            return  # the other side left, or the test is over; what was not said is seen by its absence
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _follow(self, script: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at = 0
        while at < len(script) and script[at] != "close":
            word, _, rest = script[at].partition(" ")
            at = script.index("again:") if word == "repeat" else at + 1
            if word in ("S:", "S~"):
                writer.write(rest.encode("utf-8", "surrogateescape") + (b"\r\n" if word == "S:" else b""))
            elif word == "C:":
                await self._read(rest, reader, writer)
            elif word == "starttls":
                await self._starttls(rest, writer)
            elif word in ("wait", "hang"):
                await writer.drain()
                await (asyncio.sleep(float(rest)) if rest else reader.read())

    async def _read(self, expected: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.drain()
        if expected == ".":
            content = await reader.readuntil(b"\r\n.\r\n")
            self.messages.append(content[:-3].replace(b"\r\n..", b"\r\n."))
            self.secured.append(writer.get_extra_info("ssl_object") is not None)
            return
        line = (await reader.readuntil(b"\r\n")).decode("utf-8", "replace").rstrip("\r\n")
        if line.upper() in ("RSET", "QUIT") and line.upper() != expected.upper():
            # Housekeeping that a script need not mention.
            writer.write(b"250 ok\r\n")
            if line.upper() == "RSET":
                await self._read(expected, reader, writer)
            return
        self.lines.append(line)
        if not line.upper().startswith(expected.upper()):
            self.faults.append(f"expected {expected!r}, got {line!r}")

    async def _starttls(self, how: str, writer: asyncio.StreamWriter) -> None:
        await writer.drain()
        if how == "broken":
            writer.write(b"this is no TLS at all\r\n" * 3)
            await writer.drain()
            return
        assert self._tls is not None
        await writer.start_tls(self._tls)

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._tasks)

    def close(self) -> None:
        """Stop, and fail when a client did not keep to a script."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self.faults, self.faults
