"""One TCP connection: commands out, replies in, TLS in between."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import cast

from edge.outbound.failures import HostFailure, Reply, Silence, TlsFailure
from edge.outbound.replies import Garbage, Replies

_MAX_WAITING = 20  # replies nobody asked for yet; at most three are asked for at once


class Wire(asyncio.Protocol):
    """`read` gives replies in order. A lost connection or garbage is a `HostFailure` of the stage that waits."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._replies = Replies()
        self._waiting: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._gone: str | None = None
        self._overdue = False
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._waiting.extend(self._replies.feed(data))
            if len(self._waiting) > _MAX_WAITING:
                raise Garbage("more replies than commands")
        except Garbage as error:
            self._end(str(error))
            self.close()
        self._wake()

    def eof_received(self) -> bool:
        self._end("the connection was closed by the other side")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end("the connection was lost" if exc is None else f"the connection was lost: {exc}")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _end(self, why: str) -> None:
        self._gone = self._gone or why
        self._writable.set()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def usable(self) -> bool:
        """False once the connection is gone, or when the other side spoke unasked (a 421 before it closes)."""
        return self._gone is None and not self._waiting and not self._replies.pending

    @property
    def tls(self) -> str:
        """`TLSv1.3` and the like; empty in clear."""
        found = self._transport.get_extra_info("ssl_object") if self._transport else None
        return str(found.version()) if found is not None else ""

    async def read(self, stage: str, timeout: float) -> Reply:
        """The next reply, whole within `timeout` seconds."""
        if not self._waiting:
            await self._arrival(stage, timeout)
        return self._waiting.popleft()

    async def _arrival(self, stage: str, timeout: float) -> None:
        loop = asyncio.get_running_loop()
        self._overdue = False
        # One timer, however many pieces come: bytes that trickle in do not make the wait longer.
        timer = loop.call_later(timeout, self._late)
        try:
            while not self._waiting:
                if self._gone is not None:
                    raise HostFailure(stage, self._gone)
                if self._overdue:
                    raise Silence(stage, f"no reply within {timeout:g} s")
                self._waiter = loop.create_future()
                await self._waiter
        finally:
            timer.cancel()

    def _late(self) -> None:
        # Kept, not only told: bytes may have woken the reader in the same turn of the loop.
        self._overdue = True
        self._wake()

    def write(self, data: bytes) -> None:
        """Hand bytes to the kernel, or to the buffer before it."""
        if self._transport is not None and self._gone is None:
            self._transport.write(data)

    async def flushed(self, stage: str, timeout: float) -> None:
        """Until the buffer has room again: the other side takes what is sent."""
        try:
            async with asyncio.timeout(timeout):
                await asyncio.sleep(0)  # a connection that broke on the last write is only found out about now
                await self._writable.wait()
        except TimeoutError:
            raise Silence(stage, f"the other side took no data for {timeout:g} s") from None

    async def start_tls(self, context: ssl.SSLContext, host: str, timeout: float) -> None:
        """The handshake. What came before it must not be read after it (CVE-2011-0411, the client's side)."""
        if not self.usable or self._transport is None:
            raise TlsFailure("starttls", "bytes came before the handshake")
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(
                self._transport, self, context, server_hostname=host, ssl_handshake_timeout=timeout
            )
        except (OSError, EOFError, ValueError) as error:
            # ssl.SSLError, ConnectionError and TimeoutError are OSErrors; a ValueError says that the MX's name is none.
            raise TlsFailure("starttls", f"TLS failed: {error or type(error).__name__}") from error
        if transport is None:
            raise TlsFailure("starttls", "TLS failed: the connection was lost")
        self._transport = transport

    def close(self) -> None:
        """At once; what is in the buffer is still sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """At once, and nothing more is sent."""
        self._end("the connection was given up")
        if self._transport is not None:
            self._transport.abort()
