"""What both engines share: which addresses are public, guarded fetches, times as people write them."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from mailit.domain.errors import Refused, Unavailable
from mailit.domain.networks import is_public, may_connect
from mailit.domain.times import from_datetime, to_datetime
from mailit.engines.net.http_out import GuardedHttp
from mailit.engines.net.times import parse_time
from tests.parts.certificate import Certificate, make_certificate

CLOSED = {
    "loopback": "127.0.0.1",
    "loopback elsewhere": "127.255.255.254",
    "private 10": "10.0.0.1",
    "private 172": "172.31.255.255",
    "private 192": "192.168.1.1",
    "link-local": "169.254.1.1",
    "metadata": "169.254.169.254",
    "CGNAT": "100.127.255.255",
    "this network": "0.0.0.0",
    "multicast": "224.0.0.1",
    "broadcast": "255.255.255.255",
    "benchmarking": "198.19.0.1",
    "documentation": "203.0.113.9",
    "IPv6 loopback": "::1",
    "IPv6 unspecified": "::",
    "ULA": "fd12:3456::1",
    "metadata IPv6": "fd00:ec2::254",
    "IPv6 link-local": "fe80::1",
    "IPv6 multicast": "ff02::1",
    "mapped": "::ffff:127.0.0.1",
    "compatible": "::127.0.0.1",
    "6to4": "2002:7f00:1::",
    "NAT64": "64:ff9b::7f00:1",
    "local NAT64": "64:ff9b:1::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "IPv6 documentation": "2001:db8::1",
}


@pytest.mark.parametrize("name", CLOSED)
def test_addresses_that_are_not_public(name: str) -> None:
    assert not is_public(ip_address(CLOSED[name]))


@pytest.mark.parametrize("address", ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::1"])
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_an_allowed_network_is_fine_and_its_mapped_form_too() -> None:
    allow = [ip_network("10.0.0.0/8")]
    assert may_connect(ip_address("10.1.1.1"), allow)
    assert may_connect(ip_address("::ffff:10.1.1.1"), allow)
    assert not may_connect(ip_address("192.168.1.1"), allow)


class Pages(BaseHTTPRequestHandler):
    """A few ways to answer."""

    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "https://127.0.0.1/secret")
            self.end_headers()
            return
        if self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            while not self.server.stopping.wait(0.05):  # type: ignore[attr-defined]
                self.wfile.write(b"x")
            return
        status = int(self.path[1:]) if self.path[1:].isdecimal() else 200
        body = b"x" * 1000 if self.path == "/big" else b"hello"
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        if self.path == "/packed":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), ["files.test"])


@pytest.fixture(scope="module")
def port(certificate: Certificate) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.daemon_threads = True
    server.stopping = threading.Event()  # type: ignore[attr-defined]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.stopping.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def guarded(
    certificate: Certificate, *answers: list[str], allow: str = "127.0.0.0/8", timeout: float = 5
) -> GuardedHttp:
    """Names resolve to the answers in turn; asked more often it fails."""
    left = list(answers or (["127.0.0.1"],))
    return GuardedHttp(
        allow=[ip_network(allow)],
        look_up=lambda host, port: left.pop(0),
        timeout=timeout,
        ca_file=Path(certificate.certificate),
    )


def test_a_file_is_fetched(certificate: Certificate, port: int) -> None:
    fetched = guarded(certificate).fetch(f"https://files.test:{port}/a?b=c", 100)
    assert (fetched.body, fetched.content_type) == (b"hello", "text/plain")


@pytest.mark.parametrize("name", CLOSED)
def test_a_name_that_leads_to_a_closed_address_is_refused(certificate: Certificate, name: str) -> None:
    with pytest.raises(Refused, match="not public"):
        guarded(certificate, [CLOSED[name]], allow="192.0.2.0/24").fetch("https://files.test/", 100)


def test_one_closed_address_among_public_ones_is_enough(certificate: Certificate) -> None:
    with pytest.raises(Refused, match="not public"):
        guarded(certificate, ["1.1.1.1", "10.0.0.1"], allow="192.0.2.0/24").fetch("https://files.test/", 100)


def test_the_address_that_was_checked_is_the_one_that_is_used(certificate: Certificate, port: int) -> None:
    # A second look-up would turn private; there is none.
    http = guarded(certificate, ["127.0.0.1"], ["10.0.0.1"])
    assert http.fetch(f"https://files.test:{port}/", 100).body == b"hello"


@pytest.mark.parametrize(
    ("path", "error"),
    [("/redirect", Refused), ("/big", Refused), ("/packed", Refused), ("/404", Refused), ("/403", Refused),
     ("/500", Unavailable), ("/429", Unavailable)],
)  # fmt: skip
def test_answers_that_are_no_file(certificate: Certificate, port: int, path: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        guarded(certificate).fetch(f"https://files.test:{port}{path}", 100)
    assert "hello" not in str(caught.value)


def test_a_server_that_drips_is_given_up(certificate: Certificate, port: int) -> None:
    with pytest.raises(Unavailable):
        guarded(certificate, timeout=0.4).fetch(f"https://files.test:{port}/drip", 100_000)


def test_a_certificate_for_another_name_is_not_believed(certificate: Certificate, port: int) -> None:
    with pytest.raises(Unavailable, match="TLS"):
        guarded(certificate).fetch(f"https://other.test:{port}/", 100)


@pytest.mark.parametrize(
    "url",
    ["http://files.test/", "ftp://files.test/", "https://", "https:///x", "files.test", "https://user@files.test/",
     "https://files.test:8443/", "https://files.test/\r\nX: y", "https://files.test/ x", "https://files.test:0/", ""],
)  # fmt: skip
def test_urls_that_are_refused(certificate: Certificate, url: str) -> None:
    with pytest.raises(Refused):
        guarded(certificate, ["1.1.1.1"]).fetch(url, 100)


NOW = from_datetime(datetime(2026, 11, 24, 9, 0, tzinfo=UTC))  # a Tuesday


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-01T10:00:00Z", "2026-12-01 10:00"),
        ("2026-12-01T10:00:00.123Z", "2026-12-01 10:00"),
        ("2026-12-01T10:00:00+02:00", "2026-12-01 08:00"),
        ("2026-12-01 10:00", "2026-12-01 10:00"),
        ("2026-12-01", "2026-12-01 00:00"),
        ("in 1 hour", "2026-11-24 10:00"),
        ("in 1 min", "2026-11-24 09:01"),
        ("in two hours", "2026-11-24 11:00"),
        ("tomorrow at 9am", "2026-11-25 09:00"),
        ("Friday at 3pm ET", "2026-11-27 20:00"),
        ("next monday 10:00", "2026-11-30 10:00"),
        ("in 2 days at 9am", "2026-11-26 09:00"),
        ("today at 5pm", "2026-11-24 17:00"),
    ],
)
def test_times_as_people_write_them(text: str, expected: str) -> None:
    found = parse_time(text, NOW)
    assert found is not None
    assert to_datetime(found).strftime("%Y-%m-%d %H:%M") == expected


@pytest.mark.parametrize(
    "text", ["", "asap!!", "1", "12", "never", "x" * 10_000, "in 1 hour\0", "2026-13-45", "hello at 9"]
)
def test_what_is_no_time(text: str) -> None:
    assert parse_time(text, NOW) is None
