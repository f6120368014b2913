"""The sandbox mailbox's SMTP server: takes every message but to `bounced@resend.dev`, as Resend's simulator does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiosmtpd.smtp import SMTP, Envelope, Session

from mailit.domain.errors import PortError

_log = logging.getLogger("edge.sandbox")

_SIZE = 60 * 1024 * 1024

Accept = Callable[[str, tuple[str, ...], bytes], Awaitable[object]]
"""(envelope sender, recipients, message) → kept durably when it returns."""


def simulates(address: str, name: str) -> bool:
    """True for `<name>@resend.dev` and `<name>+label@resend.dev`."""
    local, _, domain = address.lower().rpartition("@")
    return domain == "resend.dev" and local.partition("+")[0] == name


class _Handler:
    """aiosmtpd's hooks."""

    def __init__(self, accept: Accept) -> None:
        self._accept = accept

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if simulates(address, "bounced"):
            return "550 5.1.1 The email account that you tried to reach does not exist"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode()
        try:
            await self._accept(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw)
        except PortError as error:
            _log.error("a message cannot be kept: %s", error)
            return "451 4.3.0 The message cannot be kept now"
        return "250 2.0.0 Kept in the sandbox mailbox"


async def start_sandbox(host: str, port: int, name: str, accept: Accept) -> asyncio.Server:
    """Listens until it is closed."""
    handler = _Handler(accept)

    def connection() -> SMTP:
        return SMTP(
            handler,
            data_size_limit=_SIZE,
            enable_SMTPUTF8=True,
            decode_data=False,
            hostname=name,
            ident="MailIt sandbox",
            loop=asyncio.get_running_loop(),
        )

    return await asyncio.get_running_loop().create_server(connection, host, port)
