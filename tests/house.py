"""A MailIt in one process for tests: the embedded engine in a folder, the functions behind the gateway, a clock that
tests move, a DNS that tests fill, and the workers run by hand."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.catalogue import Catalogue, load
from gateway.triggers import Poller, prompt_sources, slow_sources
from gateway.wsgi import Gateway
from mailit.contracts.jobs import OutboundJob
from mailit.domain.api_keys import Permission, digest, new_token
from mailit.domain.errors import Refused, Unavailable
from mailit.domain.ids import Ids
from mailit.domain.lanes import Lane
from mailit.domain.times import Micros
from mailit.engines.embedded.engine import Engine, open_engine
from mailit.engines.net.times import parse_time
from mailit.ports.http_out import Fetched
from mailit.ports.queue import Message
from mailit.ports.resolver import Answer, Found
from mailit.stores.api_keys import ApiKey, ApiKeys
from mailit.stores.domains import Domains
from mailit.stores.queues import QUEUES, outbound
from mailit.stores.tables import TABLES
from mailit.usecases.deps import Deps, Options

START: Micros = 1_795_000_000_000_000  # 2026-11-18
MASTER_KEY = bytes(range(32))


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: Micros = START) -> None:
        self.time = now

    def now(self) -> Micros:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += round(seconds * 1_000_000)


class Names:
    """A DNS of (name, type) → records; what is not there does not exist, what is None does not answer."""

    def __init__(self) -> None:
        self.zone: dict[tuple[str, str], tuple[str, ...] | None] = {}

    def look_up(self, name: str, kind: str) -> Answer:
        records = self.zone.get((name, kind), ())
        if records is None:
            raise Unavailable("DNS: no answer")
        if records:
            return Answer(Found.RECORDS, records, 60, name)
        known = any(other == name for other, _ in self.zone)
        return Answer(Found.NO_DATA if known else Found.NO_NAME)


class Files:
    """What may be fetched: URL → bytes, or the error to raise."""

    def __init__(self) -> None:
        self.at: dict[str, bytes | Exception] = {}

    def fetch(self, url: str, max_bytes: int) -> Fetched:
        found = self.at.get(url, Refused("the server answered 404"))
        if isinstance(found, Exception):
            raise found
        if len(found) > max_bytes:
            raise Refused("the file is too large")
        return Fetched(found, "text/plain")


@dataclass(frozen=True)
class Answered:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def fault(self) -> tuple[int, str, str]:
        """(status, name, message), checked to be the whole body."""
        assert set(self.json) == {"statusCode", "name", "message"}
        assert self.json["statusCode"] == self.status
        return self.status, self.json["name"], self.json["message"]


@dataclass
class House:
    """Everything, and how to use it."""

    engine: Engine
    deps: Deps
    clock: Clock
    names: Names
    files: Files
    catalogue: Catalogue
    gateway: Gateway
    team: str
    key: str
    ids: Ids = field(default_factory=Ids)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = "",
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """One request through the gateway. `key`: empty is the house's own, None is none."""
        payload = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        target, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "RAW_URI": path,
            "PATH_INFO": target,
            "QUERY_STRING": query,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(payload)),
            "wsgi.input": io.BytesIO(payload),
        }
        for name, value in (headers or {}).items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        if key is not None:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {key or self.key}"
        told: list[Any] = []
        chunks = self.gateway(environ, lambda status, given: told.extend((status, given)))
        return Answered(
            int(told[0].split()[0]), {name.lower(): value for name, value in told[1]}, b"".join(chunks).decode()
        )

    def new_team(self, permission: Permission = Permission.FULL, domain_id: str | None = None) -> tuple[str, str]:
        """(team, key) of another team."""
        team = self.ids.new(self.clock.now())
        return team, self.new_key(team, permission, domain_id)

    def new_key(self, team: str, permission: Permission, domain_id: str | None = None) -> str:
        token, now = new_token(), self.clock.now()
        key = ApiKey(self.ids.new(now), "test", permission, domain_id, now, None, digest(token))
        ApiKeys(self.deps.table).add(team, key)
        return token

    def verified(self, name: str, key: str = "", team: str = "") -> str:
        """A domain of this name whose records are published and verified; its id."""
        made = self.request("POST", "/domains", {"name": name}, key=key)
        assert made.status == 201, made.text
        self.publish(made.json)
        assert self.request("POST", f"/domains/{made.json['id']}/verify", key=key).status == 200
        self.work()
        domain = Domains(self.deps.table).by_name(team or self.team, name)
        assert domain is not None
        assert domain.status == "verified"
        return str(made.json["id"])

    def publish(self, domain: Mapping[str, Any]) -> None:
        """Put the records that the API asks for into the DNS."""
        for record in domain["records"]:
            host = domain["name"] if record["name"] == "@" else f"{record['name']}.{domain['name']}"
            value = f"{record['priority']} {record['value']}" if record["type"] == "MX" else record["value"]
            self.names.zone[(host, record["type"])] = (value,)

    def send(self, **fields: Any) -> str:
        """Send a plain email, with these fields changed; its id."""
        answer = self.request("POST", "/emails", email(**fields))
        assert answer.status == 200, answer.text
        return str(answer.json["id"])

    def work(self) -> None:
        """Run the queue workers until nothing is left for them."""
        workers = self.catalogue.workers
        poller = Poller(self.deps.queue, [*prompt_sources(workers), *slow_sources(workers)], ())
        while poller.sweep():
            pass

    def work_on_dispatch(self) -> None:
        """Run the dispatch worker alone until nothing is left for it."""
        workers = [worker for worker in self.catalogue.workers if worker.spec.name == "dispatch"]
        poller = Poller(self.deps.queue, [*prompt_sources(workers), *slow_sources(workers)], ())
        while poller.sweep():
            pass

    def tick(self, name: str) -> None:
        """Run a timer once."""
        for timer in self.catalogue.timers:
            if timer.spec.name == name:
                timer(
                    {
                        "detail": {},
                        "detail-type": "",
                        "source": "",
                        "time": "",
                        "id": "",
                        "resources": [],
                        "account": "",
                        "region": "",
                        "version": "0",
                    }
                )
                return
        raise LookupError(name)

    def outbox(self) -> list[tuple[Message, OutboundJob]]:
        """Outbound jobs that wait, taken."""
        found = []
        for lane in Lane:
            while messages := self.deps.queue.receive(outbound(lane)):
                found += [(message, OutboundJob.model_validate_json(message.body)) for message in messages]
        return found

    def last_event(self, email_id: str) -> str:
        return str(self.request("GET", f"/emails/{email_id}").json["last_event"])


def email(**fields: Any) -> dict[str, Any]:
    """A request body that is right."""
    return {"from": "Acme <news@acme.test>", "to": "ann@example.net", "subject": "Hello", "text": "Hi.", **fields}


def build_house(
    folder: Path, *, sandbox: bool = False, rates: Mapping[str, int] | None = None, like: House | None = None
) -> House:
    """A house with one team and its full-access key; `like`: on a copy of that house's folder."""
    clock, names, files = Clock(), Names(), Files()
    engine = open_engine(folder, TABLES, QUEUES, clock)
    deps = Deps(
        table=engine.table,
        outbox=engine.outbox,
        queue=engine.queue,
        blobs=engine.blobs,
        resolver=names,
        http=files,
        clock=clock,
        ids=Ids(),
        parse_time=parse_time,
        master_key=MASTER_KEY,
        options=Options(
            hostname="mx.mailit.test",
            spf="a:mx.mailit.test",
            rates=rates or {"default": 10_000, "send": 10_000, "batch": 10_000},
            sandbox=sandbox,
            inline_bytes=4096,
            engine="embedded",
        ),
    )
    catalogue = load().on(deps)
    house = House(engine, deps, clock, names, files, catalogue, Gateway(catalogue, clock.now), "", "")
    if like is None:
        house.team, house.key = house.new_team()
    else:
        house.team, house.key, house.names.zone = like.team, like.key, dict(like.names.zone)
    return house
