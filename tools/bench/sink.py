"""The other side: Postfix's smtp-sink, and a name server that sends all mail of `bench.test` to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.parts.name_server import NameServer
from tests.parts.sink import PostfixSink

_ZONES = {
    "bench.test": [("*.bench.test", "MX", "10 mx.bench.test."), ("mx.bench.test", "A", "127.0.0.1")],
    "acme.test": [("acme.test", "TXT", "a zone")],
}


@contextmanager
def other_side(port: int | None = None) -> Iterator[dict[str, str]]:
    """The settings that lead there. `port`: of another sink than smtp-sink."""
    with NameServer(_ZONES) as names:
        if port is not None:
            yield {"MAILIT_RESOLVER": names.address, "MAILIT_MX_PORT": str(port)}
            return
        with PostfixSink() as sink:
            yield {"MAILIT_RESOLVER": names.address, "MAILIT_MX_PORT": str(sink.port)}
