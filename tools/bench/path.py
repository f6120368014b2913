"""The whole of MailIt as `make run` starts it, from the HTTP request to the recorded delivery."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mailit import wiring
from mailit.domain.emails import Event
from mailit.stores.listing import Window
from mailit.stores.queues import QUEUES
from mailit.usecases.deps import Deps
from mailit.wiring.settings import load
from tests.parts.deadline import wait_for
from tests.parts.running import Running
from tools.bench import cpu, mail
from tools.bench.clients import send_all
from tools.bench.folder import temporary
from tools.bench.rig import add_domain, environment
from tools.bench.sink import other_side

EMAILS = 3000
_BATCH = 100
_WARM = 200  # emails before the measurement: keys loaded, connections opened
_CLIENTS = 4


def measure_batch() -> dict[str, float]:
    """`POST /emails/batch` of 100."""
    bodies = [mail.batch(first, _BATCH) for first in range(0, EMAILS, _BATCH)]
    return _measure("batch", "/emails/batch", bodies)


def measure_single() -> dict[str, float]:
    """`POST /emails`."""
    return _measure("single", "/emails", [mail.single(number) for number in range(EMAILS)])


def _measure(way: str, path: str, bodies: Sequence[bytes]) -> dict[str, float]:
    with temporary("path") as folder, other_side() as settings, started(folder / "data", settings) as (running, deps):
        send_all(running.api, running.key, "/emails/batch", [mail.batch(0, _BATCH)] * (_WARM // _BATCH), 2)
        _until_recorded(deps)
        processes = running.processes()[:1]
        before, begun = cpu.seconds(processes), time.monotonic()
        send_all(running.api, running.key, path, bodies, _CLIENTS)
        _until_recorded(deps)
        used, took = cpu.seconds(processes) - before, time.monotonic() - begun
        _check(deps)
    return {f"path_{way}_msg_per_cpu_s": EMAILS / used, f"path_{way}_msg_per_s": EMAILS / took}


@contextmanager
def started(data: Path, settings: dict[str, str]) -> Iterator[tuple[Running, Deps]]:
    """A running MailIt with a verified domain, and a look into its store from outside."""
    with Running(data, environment(data, **settings)) as running:
        wired = wiring.build(load(environment(data)))
        try:
            add_domain(wired.deps)
            yield running, wired.deps
        finally:
            wired.engine.close()


def _until_recorded(deps: Deps) -> None:
    def idle() -> bool:
        stats = [deps.queue.stats(spec.name) for spec in QUEUES]
        return all(item.waiting == item.in_flight == 0 for item in stats)

    wait_for(idle, within=120, what="empty queues")


def _check(deps: Deps) -> None:
    """Every email that was accepted was delivered, and that is recorded."""
    team, found, after = add_domain(deps), 0, None
    while True:
        page = deps.emails.page(team, Window(limit=100, after=after))
        found += sum(email.last_event is Event.DELIVERED for email in page.items)
        if not page.has_more:
            break
        after = page.items[-1].id
    if found != EMAILS + _WARM:
        raise RuntimeError(f"{found} of {EMAILS + _WARM} emails were delivered")
