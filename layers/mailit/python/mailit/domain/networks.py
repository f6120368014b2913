"""Which addresses may be connected to when a user names the host (security.md §3): the public ones.

The tables follow the IANA special-purpose registries (RFC 6890 and its updates). Python's `is_global` is not used: it
changed between 3.11 and 3.13.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_CLOSED_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)

_OPEN_6 = IPv6Network("2000::/3")  # what has been given out as global unicast
_CLOSED_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # IETF protocols, Teredo and benchmarking among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)


def is_public(address: Address) -> bool:
    """True for an address on the public internet. IPv6 forms that carry an IPv4 address (mapped, compatible, NAT64,
    6to4, Teredo) are never public: what they reach is decided by somebody's router."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_4)
    return address in _OPEN_6 and not any(address in network for network in _CLOSED_6)


def may_connect(address: Address, allow: Iterable[Network]) -> bool:
    """True for a public address and for one that the operator allowed by name of its network."""
    plain = _inner(address)
    return any(plain in network for network in allow if network.version == plain.version) or is_public(address)


def _inner(address: Address) -> Address:
    """The IPv4 address that a mapped IPv6 address is at the socket."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped if mapped is not None else address


def parse_address(text: str) -> Address | None:
    """An address literal, with or without a zone; None when it is none."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None
