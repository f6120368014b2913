"""A forwarder before a real name server that can fail, or stay silent, for chosen names."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any, TypeVar

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from tests.parts.dns_records import absolute
from tests.parts.ports import LOOPBACK, free_port

_T = TypeVar("_T")
_PATIENCE = 5.0  # seconds for the name server behind


class Fault(Enum):
    """What can be wrong with a name."""

    SERVFAIL = "servfail"
    SILENCE = "silence"


class FaultyForwarder:
    """Listens on UDP and TCP of 127.0.0.1:`port`, forwards to 127.0.0.1:`backend`; has its own thread and loop."""

    def __init__(self, backend: int) -> None:
        self._backend = backend
        self._faults: dict[dns.name.Name, Fault] = {}
        self._asked: list[tuple[str, str]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="dns-faults", daemon=True)
        self._thread.start()
        self.port = self._run(self._listen())

    def set_fault(self, name: str, fault: Fault | None) -> None:
        """From now on queries for exactly this name, of whatever type, meet `fault`; None heals it."""
        if fault is None:
            self._faults.pop(absolute(name), None)
        else:
            self._faults[absolute(name)] = fault

    def asked(self) -> list[tuple[str, str]]:
        """(name, type) of every query so far, in order."""
        return list(self._asked)

    def close(self) -> None:
        """Stop listening; open queries get no answer."""
        self._run(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _listen(self) -> int:
        while True:
            port = free_port()
            try:
                self._tcp = await asyncio.start_server(self._on_connection, LOOPBACK, port)
            except OSError:
                continue
            try:
                self._udp, _ = await self._loop.create_datagram_endpoint(
                    lambda: _Datagrams(self._on_datagram), local_addr=(LOOPBACK, port)
                )
            except OSError:
                self._tcp.close()
                continue
            return port

    async def _shut(self) -> None:
        self._tcp.close()
        self._udp.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _on_datagram(self, query: bytes, sender: Any) -> None:
        task = self._loop.create_task(self._answer_datagram(query, sender))
        task.add_done_callback(_settled)

    async def _answer_datagram(self, query: bytes, sender: Any) -> None:
        reply = await self._reply(query, self._over_udp)
        if reply is not None and not self._udp.is_closing():
            self._udp.sendto(reply, sender)

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                query = await _read_message(reader)
                reply = await self._reply(query, self._over_tcp)
                if reply is not None:
                    await _write_message(writer, reply)
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # the client or the test is done
        finally:
            writer.close()

    async def _reply(self, query: bytes, forward: Callable[[bytes], Coroutine[Any, Any, bytes]]) -> bytes | None:
        fault = self._fault_of(query)
        if fault is Fault.SILENCE:
            return None
        if fault is Fault.SERVFAIL:
            return _servfail(query)
        try:
            return await asyncio.wait_for(forward(query), _PATIENCE)
        except (OSError, EOFError, TimeoutError):
            return None

    def _fault_of(self, query: bytes) -> Fault | None:
        try:
            (question,) = dns.message.from_wire(query, question_only=True).question
        except (dns.exception.DNSException, ValueError):
            return None  # nonsense: the real server knows what to say
        name = question.name.to_text(omit_final_dot=True).lower()
        self._asked.append((name, dns.rdatatype.to_text(question.rdtype)))
        return self._faults.get(question.name)

    async def _over_udp(self, query: bytes) -> bytes:
        reply: asyncio.Future[bytes] = self._loop.create_future()
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: _Datagrams(lambda data, _: None if reply.done() else reply.set_result(data)),
            remote_addr=(LOOPBACK, self._backend),
        )
        try:
            transport.sendto(query)
            return await reply
        finally:
            transport.close()

    async def _over_tcp(self, query: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(LOOPBACK, self._backend)
        try:
            await _write_message(writer, query)
            return await _read_message(reader)
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, received: Callable[[bytes, Any], None]) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._received(data, addr)


def _settled(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.result()


def _servfail(query: bytes) -> bytes:
    response = dns.message.make_response(dns.message.from_wire(query), recursion_available=True)
    response.set_rcode(dns.rcode.SERVFAIL)
    return response.to_wire()


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    """A message over TCP carries its length in front (RFC 1035 §4.2.2)."""
    length = int.from_bytes(await reader.readexactly(2), "big")
    return await reader.readexactly(length)


async def _write_message(writer: asyncio.StreamWriter, message: bytes) -> None:
    writer.write(len(message).to_bytes(2, "big") + message)
    await writer.drain()
