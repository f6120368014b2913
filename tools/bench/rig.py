"""MailIt's parts in this process, on a folder of their own: a team, its key, and a verified domain to send from."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gateway.catalogue import Catalogue, load
from gateway.triggers import Poller, prompt_sources
from gateway.wsgi import Gateway
from mailit import wiring
from mailit.contracts.api.domains import CreateDomain
from mailit.domain.domains import DomainStatus, RecordStatus
from mailit.ports.queue import Job, Message
from mailit.ports.table import Write
from mailit.stores.accounts import Accounts
from mailit.stores.domains import Domains
from mailit.usecases.deps import Deps
from mailit.usecases.domains import answers, manage
from mailit.wiring.seed import ADMIN, seed
from mailit.wiring.settings import load as load_settings
from tests.parts.running import FREE_RATES

MASTER_KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
DOMAIN = "acme.test"


def environment(data: Path, **more: str) -> dict[str, str]:
    """Settings of a MailIt that delivers to MXs of ours on any port."""
    own = {
        "MAILIT_DATA": str(data),
        "MAILIT_MASTER_KEY": MASTER_KEY,
        "MAILIT_OUTBOUND": "direct",
        "MAILIT_HOSTNAME": "edge.mailit.test",
        "MAILIT_MX_PORT": "2525",
    }
    return {**own, **FREE_RATES, **more}


@dataclass(frozen=True)
class Rig:
    """`deps`, what works on them, and who may send."""

    deps: Deps
    catalogue: Catalogue
    gateway: Gateway
    team: str
    key: str

    def post(self, path: str, body: bytes) -> None:
        """A request that has to be answered 200."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "RAW_URI": path,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_AUTHORIZATION": f"Bearer {self.key}",
            "wsgi.input": io.BytesIO(body),
        }
        told: list[str] = []
        answer = b"".join(self.gateway(environ, lambda status, _: told.append(status)))
        if not told[0].startswith("200"):
            raise RuntimeError(f"{path}: {told[0]}: {answer[:500]!r}")

    def poller(self, worker: str) -> Poller:
        """The triggers' loop over the queues of one worker."""
        workers = [item for item in self.catalogue.workers if item.spec.name == worker]
        return Poller(self.deps.queue, prompt_sources(workers), ())

    def work(self, worker: str) -> None:
        """Until its queues are empty."""
        poller = self.poller(worker)
        while poller.sweep():
            pass


@contextmanager
def rig(data: Path, *, held: list[Job] | None = None) -> Iterator[Rig]:
    """A rig on a folder, new or not. `held`: takes the outbound jobs instead of their queues."""
    wired = wiring.build(load_settings(environment(data)))
    try:
        deps = wired.deps if held is None else replace(wired.deps, outbox=_Holding(wired.deps, held))
        key = seed(wired.deps).key
        team = add_domain(deps)
        catalogue = load().on(deps)
        yield Rig(deps, catalogue, Gateway(catalogue, deps.clock.now), team, key)
    finally:
        wired.engine.close()


def add_domain(deps: Deps) -> str:
    """Have the first team own a verified domain; the team."""
    user = Accounts(deps.table).user(ADMIN)
    if user is None:
        raise RuntimeError("the folder has no account")
    store = Domains(deps.table)
    if store.by_name(user.team, DOMAIN) is None:
        domain = manage.new_domain(deps, user.team, CreateDomain(name=DOMAIN))
        records = {spec.key: RecordStatus.VERIFIED for spec in answers.specs_of(domain)}
        now = deps.clock.now()
        store.add(user.team, replace(domain, status=DomainStatus.VERIFIED, records=records, started_at=now))
    return user.team


class _Holding:
    """An outbox that keeps outbound jobs back."""

    def __init__(self, deps: Deps, held: list[Job]) -> None:
        self._outbox = deps.outbox
        self._held = held

    def commit(self, writes: Sequence[Write] = (), jobs: Sequence[Job] = (), done: Sequence[Message] = ()) -> None:
        self._held += [job for job in jobs if job.queue.startswith("outbound")]
        self._outbox.commit(writes, [job for job in jobs if not job.queue.startswith("outbound")], done)


def clean(inherited: Mapping[str, str]) -> dict[str, str]:
    """An environment without settings of MailIt."""
    return {name: value for name, value in inherited.items() if not name.startswith("MAILIT_")}
