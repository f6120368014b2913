"""A session with one host: banner, EHLO, STARTTLS, and then one transaction after the other on it."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from edge.outbound.failures import Failure, HostFailure, Reply, Silence, TlsFailure
from edge.outbound.replies import bare_texts
from edge.outbound.timeouts import Timeouts
from edge.outbound.wire import Wire

_BLOCK = 256 * 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Check = Callable[[], Awaitable[None]]
"""Raises a `Failure` to keep a message from being sent."""


@dataclass(frozen=True, slots=True)
class Target:
    """A host to talk to: its name (for SNI and the record), address and port."""

    host: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class MailObject:
    """Envelope and content of one recipient's transaction (RFC 5321 §2.3.1). `data`: the message, dot-stuffed and ended
    by `stuff`; `size`: its octets before that (RFC 1870 §3). `smtputf8`: it needs RFC 6531."""

    mail_from: str
    rcpt_to: str
    data: bytes
    size: int
    smtputf8: bool = False


class Session:
    """Open it with `open_session`. After a `HostFailure` it is of no use; after another `Failure` it goes on."""

    def __init__(self, target: Target, wire: Wire, name: str, timeouts: Timeouts) -> None:
        self.target = target
        self.used = 0  # messages so far
        self.idle_since = 0.0
        self._wire = wire
        self._name = name
        self._timeouts = timeouts
        self._features: dict[str, str] = {}
        self._dirty = False  # a transaction was left half way

    @property
    def tls(self) -> str:
        """TLS version, empty in clear."""
        return self._wire.tls

    @property
    def usable(self) -> bool:
        """False when the connection went away meanwhile."""
        return self._wire.usable

    async def greet(self) -> None:
        """Banner, then EHLO, or HELO where that is refused."""
        banner = await self._wire.read("banner", self._timeouts.banner)
        if banner.code != 220:
            # Also a 5xx here is about the host, not about our message.
            raise HostFailure("banner", banner.text, banner.code, banner.enhanced)
        await self._hello()

    async def _hello(self) -> None:
        self._features = {}
        reply = await self._ask("ehlo", f"EHLO {self._name}", self._timeouts.ehlo)
        if reply.positive:
            self._features = _features(reply)
        elif 500 <= reply.code <= 599:
            reply = await self._ask("ehlo", f"HELO {self._name}", self._timeouts.ehlo)
        if not reply.positive:
            raise HostFailure("ehlo", reply.text, reply.code, reply.enhanced)

    async def secure(self, context: ssl.SSLContext, *, required: bool) -> None:
        """STARTTLS where it is offered. Refused by a reply, the session goes on in clear unless TLS is required."""
        if "STARTTLS" not in self._features:
            if required:
                raise TlsFailure("starttls", "TLS is required and not offered", 0, "4.7.10")
            return
        reply = await self._ask("starttls", "STARTTLS", self._timeouts.ehlo)
        if reply.code == 220:
            await self._wire.start_tls(context, self.target.host, self._timeouts.tls)
            await self._hello()  # what was said in clear is forgotten (RFC 3207 §4.2)
        elif required:
            raise TlsFailure("starttls", reply.text, reply.code, reply.enhanced)

    async def _ask(self, stage: str, command: str, timeout: float) -> Reply:
        self._wire.write(command.encode("utf-8") + b"\r\n")
        return await self._wire.read(stage, timeout)

    async def deliver(self, mail: MailObject, check: Check) -> Reply:
        """One transaction; the reply to the final dot. `check` is awaited before it begins and again when only the
        message is left to be sent: the replies may have taken minutes, or this process stood still."""
        if self._dirty:
            await self._reset()
        self.used += 1
        commands = self._commands(mail)
        await check()
        self._dirty = True
        if "PIPELINING" in self._features:
            await self._begin_at_once(commands)
        else:
            await self._begin(commands)
        await check()
        reply = await self._send(mail.data)
        self._dirty = False
        if not reply.positive:
            raise Failure.of("dot", reply)
        return reply

    def _commands(self, mail: MailObject) -> tuple[str, str]:
        """MAIL with the parameters that the host understands, and RCPT; fails at once where it cannot take it."""
        if _CONTROL.search(mail.mail_from + mail.rcpt_to):
            raise Failure("rcpt", "an address has control characters", 550, "5.1.3")
        command = f"MAIL FROM:<{mail.mail_from}>"
        if "SIZE" in self._features:
            limit = self._features["SIZE"]
            if limit.isdecimal() and 0 < int(limit) < mail.size:
                raise Failure("mail", f"the message has {mail.size} bytes, the host takes {limit}", 552, "5.3.4")
            command += f" SIZE={mail.size}"
        if mail.smtputf8:
            if "SMTPUTF8" not in self._features:
                raise Failure("mail", "the host does not support SMTPUTF8", 550, "5.6.7")
            # RFC 6531 §3.6: the header is 8-bit then, and needs 8BITMIME.
            command += " SMTPUTF8" + (" BODY=8BITMIME" if "8BITMIME" in self._features else "")
        return command, f"RCPT TO:<{mail.rcpt_to}>"

    def _steps(self) -> tuple[tuple[str, float], ...]:
        """Stages before the message, with their timeouts."""
        return ("mail", self._timeouts.mail), ("rcpt", self._timeouts.rcpt), ("data", self._timeouts.data)

    async def _begin(self, commands: tuple[str, str]) -> None:
        for command, (stage, timeout) in zip((*commands, "DATA"), self._steps(), strict=True):
            refusal = _refusal(stage, await self._ask(stage, command, timeout))
            if refusal is not None:
                raise refusal

    async def _begin_at_once(self, commands: tuple[str, str]) -> None:
        """In one flight: DATA may end the group (RFC 2920 §3.1). Every reply is read, whatever the first one says."""
        self._wire.write("{}\r\n{}\r\nDATA\r\n".format(*commands).encode())
        replies: list[Reply] = []
        refusal: Failure | None = None
        for stage, timeout in self._steps():
            try:
                replies.append(await self._wire.read(stage, timeout))
            except HostFailure as error:
                # It said no and hung up: the no counts. A reply that still comes would be taken for another's.
                self.abort()
                raise refusal or error from None
            refusal = refusal or _refusal(stage, replies[-1])
        if refusal is None:
            return
        if replies[-1].code == 354:
            await self._call_off(recipients=replies[1].positive)
        raise refusal

    async def _call_off(self, *, recipients: bool) -> None:
        """It said no, and waits for a message all the same: an empty one, which it has to refuse for want of a
        recipient. Where it believes that there is one, that would be delivered."""
        try:
            if recipients:
                self.abort()
            else:
                await self._ask("dot", ".", self._timeouts.dot)
        except HostFailure:
            self.abort()

    async def _send(self, data: bytes) -> Reply:
        for start in range(0, len(data), _BLOCK):
            if start:
                await self._wire.flushed("data", self._timeouts.block)
                if not self._wire.usable:
                    raise await self._broken_off()
            self._wire.write(data[start : start + _BLOCK])
        try:
            return await self._wire.read("dot", self._timeouts.dot)
        except HostFailure as error:
            # It may have been accepted. Another host must not be tried now (RFC 5321 §4.5.4.2), and a reply that still
            # comes must not be taken for that of the next message.
            self.abort()
            raise Failure("dot", f"{error.text}; the message may be sent more than once") from error

    async def _broken_off(self) -> Failure:
        """It answered or went away before the final dot was sent: nothing was accepted."""
        reply = await self._wire.read("data", self._timeouts.dot)
        self.abort()
        return _refusal("data", reply) or HostFailure("data", "an answer before the end of the message")

    async def _reset(self) -> None:
        reply = await self._ask("mail", "RSET", self._timeouts.reset)
        if not reply.positive:
            raise HostFailure("mail", reply.text, reply.code, reply.enhanced)
        self._dirty = False

    def quit(self) -> None:
        """Say goodbye; nobody waits for the answer."""
        self._wire.write(b"QUIT\r\n")
        self._wire.close()

    def abort(self) -> None:
        """Drop the connection."""
        self._wire.abort()

    def rest(self) -> None:
        """Idle from now."""
        self.idle_since = time.monotonic()


def _refusal(stage: str, reply: Reply) -> Failure | None:
    """What a reply at this stage says against going on; None: nothing."""
    welcome = reply.code == 354 if stage == "data" else reply.positive
    return None if welcome else Failure.of(stage, reply)


def _features(reply: Reply) -> dict[str, str]:
    """EHLO keywords in upper case with their parameters."""
    features: dict[str, str] = {}
    for line in bare_texts(reply)[1:]:
        keyword, _, parameters = line.strip().partition(" ")
        features[keyword.upper()] = parameters.strip()
    return features


async def _secure(session: Session, context: ssl.SSLContext, *, required: bool) -> None:
    """Whatever goes wrong from STARTTLS on speaks against TLS with this host, not against the host, but for a reply
    that came through it."""
    try:
        await session.secure(context, required=required)
    except HostFailure as error:
        if isinstance(error, TlsFailure) or error.code:
            raise
        raise TlsFailure(error.stage, error.text, error.code, error.enhanced) from error


async def open_session(
    target: Target, name: str, timeouts: Timeouts, context: ssl.SSLContext | None, *, require_tls: bool
) -> Session:
    """Connect, greet, and secure where `context` is given. `HostFailure` when that cannot be done."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeouts.connect):
            _, wire = await loop.create_connection(Wire, target.address, target.port)
    except TimeoutError:
        raise Silence("connect", f"no connection within {timeouts.connect:g} s", 0, "4.4.1") from None
    except OSError as error:
        raise HostFailure("connect", f"no connection: {error.strerror or error}", 0, "4.4.1") from error
    session = Session(target, wire, name, timeouts)
    try:
        await session.greet()
        if context is not None:
            await _secure(session, context, required=require_tls)
    except BaseException:
        session.abort()
        raise
    return session
