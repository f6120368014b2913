"""Port `HttpOut` with urllib3, pinned to a checked address (security.md §3).

The host is looked up once, every address is checked, and the connection goes to an address, not to the name: a second
look-up that turns private is never made. TLS still verifies the name.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, SSLError

from mailit.domain.errors import Refused, Unavailable
from mailit.domain.networks import Address, may_connect, parse_address
from mailit.ports.http_out import Fetched

LookUp = Callable[[str, int], Sequence[str]]
"""(host, port) → addresses as text; OSError when there are none."""

_CHUNK = 64 * 1024
_PORTS = {"https": 443, "http": 80}


def system_look_up(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class GuardedHttp:
    """`allow`: networks that are fine though they are not public; hosts in them may use any port and plain http."""

    def __init__(
        self,
        *,
        allow: Sequence[IPv4Network | IPv6Network] = (),
        look_up: LookUp = system_look_up,
        timeout: float = 10.0,
        ca_file: Path | None = None,
    ) -> None:
        self._allow = allow
        self._look_up = look_up
        self._timeout = timeout
        self._ca_file = ca_file

    def fetch(self, url: str, max_bytes: int) -> Fetched:
        deadline = time.monotonic() + self._timeout
        parts = _split(url)
        host, port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
        address = self._checked(parts, host, port)
        pool = self._pool(parts.scheme, str(address), host, port, deadline)
        try:
            return self._read(pool, parts, max_bytes, deadline)
        except SSLError as error:
            raise Unavailable("the TLS connection failed") from error
        except MaxRetryError as error:
            raise Unavailable("the host could not be reached") from error
        except (HTTPError, OSError) as error:
            raise Unavailable("the connection failed") from error
        finally:
            pool.close()

    def _checked(self, parts: SplitResult, host: str, port: int) -> Address:
        try:
            found = [parse_address(text) for text in self._look_up(host, port)]
        except (OSError, UnicodeError) as error:
            raise Unavailable("the host name could not be resolved") from error
        addresses = [address for address in found if address is not None]
        if not addresses or len(addresses) < len(found):
            raise Unavailable("the host name could not be resolved")
        if not all(may_connect(address, self._allow) for address in addresses):
            raise Refused("the URL leads to an address that is not public")
        special = all(self._is_allowed(address) for address in addresses)
        if not special and (parts.scheme != "https" or port != _PORTS["https"]):
            raise Refused("the URL must be https on its standard port")
        return addresses[0]

    def _is_allowed(self, address: Address) -> bool:
        return any(address in network for network in self._allow if network.version == address.version)

    def _pool(self, scheme: str, address: str, host: str, port: int, deadline: float) -> urllib3.HTTPConnectionPool:
        timeout = urllib3.Timeout(total=max(0.1, deadline - time.monotonic()))
        if scheme == "http":
            return urllib3.HTTPConnectionPool(address, port, timeout=timeout, retries=False, maxsize=1)
        context = ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file else None)
        return urllib3.HTTPSConnectionPool(
            address,
            port,
            timeout=timeout,
            retries=False,
            maxsize=1,
            ssl_context=context,
            server_hostname=host,
            assert_hostname=host,
        )

    def _read(self, pool: urllib3.HTTPConnectionPool, parts: SplitResult, max_bytes: int, deadline: float) -> Fetched:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Host": parts.netloc, "User-Agent": "MailIt", "Accept": "*/*", "Accept-Encoding": "identity"}
        response = pool.request(
            "GET", target, headers=headers, redirect=False, preload_content=False, decode_content=False
        )
        try:
            _check_status(response.status)
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise Refused("the answer is compressed")
            return Fetched(_body(response, max_bytes, deadline), response.headers.get("Content-Type", ""))
        finally:
            response.close()


def _split(url: str) -> SplitResult:
    if any(ord(mark) <= 32 or ord(mark) > 126 for mark in url):
        raise Refused("the URL contains spaces, control or non-ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused("not a URL") from error
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise Refused("the URL must be https with a host")
    if "@" in parts.netloc:
        raise Refused("the URL must not contain a user name")
    return parts


def _check_status(status: int) -> None:
    if 300 <= status < 400:
        raise Refused("redirects are not followed")
    if status in (408, 425, 429) or status >= 500:
        raise Unavailable(f"the server answered {status}")
    if not 200 <= status < 300:
        raise Refused(f"the server answered {status}")


def _body(response: urllib3.BaseHTTPResponse, max_bytes: int, deadline: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := response.read1(_CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise Refused("the file is too large")
        if time.monotonic() > deadline:
            raise Unavailable("the server is too slow")
        chunks.append(chunk)
    return b"".join(chunks)
