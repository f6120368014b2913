"""Roles reach what their functions use, and no more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gateway.catalogue import Catalogue
from gateway.wsgi import Gateway
from mailit.ports.queue import Job
from mailit.ports.table import Delete, Key, Put, Query, Update
from mailit.usecases.deps import Deps
from tests.house import House, email
from tests.parts.running import ROOT
from tools.bundle.model import bundle, folder
from tools.bundle.rights import Rights, rights_of
from tools.bundle.roles import roles

FUNCTIONS = ROOT / "functions"


class Watched:
    """A port that notes what it is asked for."""

    def __init__(self, port: Any, used: Rights) -> None:
        self._port = port
        self._used = used

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if not callable(attribute):
            return attribute

        def call(*arguments: Any, **named: Any) -> Any:
            self._note([*arguments, *named.values()])
            return attribute(*arguments, **named)

        return call

    def _note(self, arguments: Iterable[Any]) -> None:
        for one in arguments:
            if isinstance(one, Key | Query):
                self._used.tables.add(one.table)
            elif isinstance(one, Put | Update | Delete):
                self._used.tables.add(one.key.table)
            elif isinstance(one, Job):
                self._used.queues.add(one.queue)
            elif isinstance(one, list | tuple):
                self._note(one)


class WatchedBlobs(Watched):
    def _note(self, arguments: Iterable[Any]) -> None:
        self._used.blobs = True


def watched(deps: Deps, used: Rights) -> Deps:
    ports = {name: Watched(getattr(deps, name), used) for name in ("table", "outbox", "queue")}
    return replace(deps, blobs=WatchedBlobs(deps.blobs, used), **ports)  # type: ignore[arg-type]


def watch(house: House) -> dict[str, Rights]:
    """What each resource and worker of the house uses from now on."""
    used: dict[str, Rights] = {}

    def on(name: str) -> Deps:
        return watched(house.deps, used.setdefault(name, Rights()))

    house.catalogue = Catalogue(
        tuple(function.on(on(folder(function.spec))) for function in house.catalogue.routes),
        tuple(worker.on(on(f"workers/{worker.spec.name}")) for worker in house.catalogue.workers),
        tuple(timer.on(on(f"workers/{timer.spec.name}")) for timer in house.catalogue.timers),
    )
    house.gateway = Gateway(house.catalogue, house.clock.now)
    return used


def use_everything(house: House) -> None:
    """Every route, worker and timer at least once."""
    domain = house.verified("other.test")
    house.request("POST", f"/domains/{domain}/verify")
    house.request("PATCH", f"/domains/{domain}", {"tls": "enforced"})
    house.request("POST", "/emails", email(html="x" * 70_000), headers={"Idempotency-Key": "once"})
    house.request("POST", "/emails/batch", [email()])
    later = house.send(scheduled_at="in 1 hour")
    house.request("PATCH", f"/emails/{later}", {"scheduled_at": "in 2 hours"})
    house.request("POST", f"/emails/{later}/cancel")
    key = house.request("POST", "/api-keys", {"name": "x", "permission": "sending_access", "domain_id": domain}).json
    house.request("PATCH", f"/api-keys/{key['id']}", {"name": "y"})
    for path in ("/emails", f"/emails/{later}", "/domains", f"/domains/{domain}", "/api-keys", "/healthz"):
        assert house.request("GET", path).status == 200
    house.work()
    for timer in house.catalogue.timers:
        house.tick(timer.spec.name)
    house.clock.forward(100_000)
    for timer in house.catalogue.timers:
        house.tick(timer.spec.name)
    house.request("DELETE", f"/api-keys/{key['id']}")
    house.request("DELETE", f"/domains/{domain}")


def granted(name: str) -> Rights:
    if name.startswith("workers/"):
        return rights_of([FUNCTIONS / f"{name}.py"])
    return rights_of((FUNCTIONS / name).glob("*.py"))


def test_what_a_function_uses_is_granted(acme: House) -> None:
    used = watch(acme)
    use_everything(acme)
    assert used["emails"].tables
    for name, found in used.items():
        allowed = granted(name)
        assert found.tables <= allowed.tables, name
        assert found.queues <= allowed.queues, name
        assert found.blobs <= allowed.blobs, name


def _resources(role: dict[str, Any], service: str) -> list[Any]:
    statements = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return [
        resource
        for statement in statements
        if any(action.startswith(f"{service}:") for action in statement["Action"])
        for resource in statement["Resource"]
    ]


def test_a_role_names_each_thing_it_reaches() -> None:
    made: dict[str, Any] = roles(bundle())
    assert {str(resource) for resource in _resources(made["ApiKeysRole"], "dynamodb")} == {
        "{'Fn::GetAtt': ['ApiKeysTable', 'Arn']}",
        "{'Fn::GetAtt': ['DomainsTable', 'Arn']}",
        "{'Fn::Sub': '${DomainsTable.Arn}/index/*'}",
        "{'Fn::GetAtt': ['LimitsTable', 'Arn']}",
        "{'Fn::Sub': '${LimitsTable.Arn}/index/*'}",
    }
    assert _resources(made["ApiKeysRole"], "sqs") == []
    assert _resources(made["ApiKeysRole"], "s3") == []


def test_nobody_reaches_everything() -> None:
    for name, role in roles(bundle()).items():
        if role["Type"] == "AWS::IAM::Role":
            assert "*" not in [
                resource for service in ("dynamodb", "sqs", "s3") for resource in _resources(role, service)
            ], name


def test_asking_how_queues_are_is_no_right_to_fill_them() -> None:
    assert rights_of((FUNCTIONS / "health").glob("*.py")).queues == set()
