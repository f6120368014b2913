"""The edge's process: the roles it was asked for, until SIGTERM. It holds no state: `kill -9` loses nothing."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from collections.abc import Sequence

from edge.outbound.role import Outbound, Way, routes_of
from edge.sandbox.server import start_sandbox
from mailit.stores.sandbox import Sandbox
from mailit.wiring import Wired

ROLES = ("outbound", "sandbox")

_log = logging.getLogger("edge")


async def run(wired: Wired, roles: Sequence[str]) -> None:
    """Until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await _sandbox(wired) if "sandbox" in roles else None
    outbound = _outbound(wired) if "outbound" in roles else None
    work = asyncio.create_task(outbound.run()) if outbound else None
    _log.info("edge ready roles=%s", ",".join(roles))
    waiting = [asyncio.create_task(stopped.wait()), *([work] if work else [])]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if outbound and work:
        outbound.stop()
        await work  # raises what ended it, if it was not the signal
    if server is not None:
        server.close()


def _outbound(wired: Wired) -> Outbound:
    chance = random.SystemRandom()
    return Outbound(wired.deps, wired.settings, routes_of(wired.settings, chance), Way(chance))


async def _sandbox(wired: Wired) -> asyncio.Server:
    deps, settings = wired.deps, wired.settings
    mailbox = Sandbox(deps.table, deps.blobs, deps.ids)

    async def accept(sender: str, recipients: tuple[str, ...], raw: bytes) -> None:
        await asyncio.to_thread(mailbox.store, sender, recipients, raw, deps.clock.now())

    return await start_sandbox(settings.smtp_host, settings.smtp_port, settings.hostname, accept)
