"""From a domain to the hosts to try (RFC 5321 §5.1)."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from ipaddress import ip_network

import pytest

from edge.outbound.failures import Failure
from edge.outbound.mx import Lab, Router
from edge.outbound.resolver import Cached
from mailit.ports.resolver import Answer
from tests.house import Names

PUBLIC = {("mx1.x.test", "A"): ("198.41.0.4",), ("mx2.x.test", "A"): ("199.9.14.201",)}


class AsyncNames(Names):
    """The dictionary of a test, asked from the event loop."""

    def __init__(self, zone: dict[tuple[str, str], tuple[str, ...] | None]) -> None:
        super().__init__()
        self.zone = zone
        self.asked: list[tuple[str, str]] = []

    async def look_up(self, name: str, kind: str) -> Answer:  # type: ignore[override]
        self.asked.append((name, kind))
        await asyncio.sleep(0)
        return super().look_up(name, kind)


def route(zone: dict[tuple[str, str], tuple[str, ...] | None], seed: int = 1, allow: str = "") -> list[str]:
    lab = Lab((ip_network(allow),) if allow else (), 25)
    router = Router(AsyncNames(zone), "edge.mailit.test", lab, random.Random(seed))
    return [f"{target.host} {target.address}" for target in asyncio.run(router.targets("x.test"))]


def refusal(zone: dict[tuple[str, str], tuple[str, ...] | None], allow: str = "") -> tuple[int, str]:
    with pytest.raises(Failure) as caught:
        route(zone, allow=allow)
    return caught.value.code, caught.value.enhanced


def test_hosts_come_by_preference() -> None:
    zone = {("x.test", "MX"): ("20 mx2.x.test", "10 mx1.x.test"), **PUBLIC}
    assert route(zone) == ["mx1.x.test 198.41.0.4", "mx2.x.test 199.9.14.201"]


def test_equal_preferences_are_shuffled() -> None:
    zone = {("x.test", "MX"): ("10 mx1.x.test", "10 mx2.x.test"), **PUBLIC}
    first = Counter(route(zone, seed)[0] for seed in range(100))
    assert min(first.values()) > 25


def test_no_mx_means_the_domain_itself() -> None:
    assert route({("x.test", "A"): ("198.41.0.4",)}) == ["x.test 198.41.0.4"]


def test_a_domain_with_mx_is_never_its_own_host() -> None:
    zone = {("x.test", "MX"): ("10 gone.x.test",), ("x.test", "A"): ("198.41.0.4",)}
    assert refusal(zone) == (550, "5.4.4")


def test_nothing_at_all_is_permanent() -> None:
    assert refusal({}) == (550, "5.1.2")


def test_null_mx_is_permanent() -> None:
    assert refusal({("x.test", "MX"): ("0 .",), ("x.test", "A"): ("198.41.0.4",)}) == (556, "5.1.10")


def test_a_null_mx_among_others_is_ignored() -> None:
    assert route({("x.test", "MX"): ("0 .", "10 mx1.x.test"), **PUBLIC}) == ["mx1.x.test 198.41.0.4"]


def test_a_dns_that_does_not_answer_is_transient() -> None:
    assert refusal({("x.test", "MX"): None}) == (0, "4.4.3")
    assert refusal({("x.test", "MX"): ("10 a.test",), ("a.test", "A"): None}) == (0, "4.4.3")


def test_one_host_without_an_answer_leaves_the_other() -> None:
    zone = {("x.test", "MX"): ("5 a.test", "10 mx1.x.test"), ("a.test", "A"): None, ("a.test", "AAAA"): None, **PUBLIC}
    assert route(zone) == ["mx1.x.test 198.41.0.4"]


def test_both_families_take_turns() -> None:
    zone = {
        ("x.test", "MX"): ("10 mx.test",),
        ("mx.test", "A"): ("198.41.0.4", "199.9.14.201"),
        ("mx.test", "AAAA"): ("2001:503:ba3e::2:30",),
    }
    assert [line.split()[1] for line in route(zone)] == ["2001:503:ba3e::2:30", "198.41.0.4", "199.9.14.201"]


def test_at_most_five_addresses_are_tried() -> None:
    zone = {("x.test", "A"): tuple(f"198.41.0.{number}" for number in range(1, 20))}
    assert len(route(zone)) == 5


def test_our_own_host_and_those_behind_it_are_no_way() -> None:
    behind = {("x.test", "MX"): ("5 mx1.x.test", "10 edge.mailit.test", "10 mx2.x.test"), **PUBLIC}
    assert route(behind) == ["mx1.x.test 198.41.0.4"]
    assert refusal({("x.test", "MX"): ("10 edge.mailit.test", "20 mx1.x.test"), **PUBLIC}) == (550, "5.4.6")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"]
)
def test_private_addresses_are_refused_unless_allowed(address: str) -> None:
    zone = {("x.test", "MX"): ("10 mx.test",), ("mx.test", "A"): (address,)}
    assert refusal(zone) == (550, "5.4.6")
    assert route(zone, allow=f"{address}/32") == [f"mx.test {address}"]


@pytest.mark.parametrize("address", ["::1", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"])
def test_private_ipv6_addresses_are_refused(address: str) -> None:
    assert refusal({("x.test", "MX"): ("10 mx.test",), ("mx.test", "AAAA"): (address,)}) == (550, "5.4.6")


def test_many_at_once_ask_once_and_the_answer_is_kept() -> None:
    names = AsyncNames({("x.test", "A"): ("198.41.0.4",)})

    async def ask() -> None:
        cached = Cached(names)
        await asyncio.gather(*(cached.look_up("x.test", "A") for _ in range(50)))
        await cached.look_up("x.test", "A")

    asyncio.run(ask())
    assert names.asked == [("x.test", "A")]
