"""The promises of port `Blobs`."""

from __future__ import annotations

import pytest

from mailit.domain.errors import NotFound, Refused
from mailit.engines.embedded.engine import Engine


def test_a_blob_comes_back_whole_and_in_parts(engine: Engine) -> None:
    data = bytes(range(256)) * 5000
    engine.blobs.put("team/raw/1", data)
    assert engine.blobs.get("team/raw/1") == data
    assert engine.blobs.get("team/raw/1", 100) == data[100:]
    assert engine.blobs.get("team/raw/1", 100, 50) == data[100:150]
    assert engine.blobs.get("team/raw/1", 10**9) == b""
    assert engine.blobs.get("team/raw/1", 0, 0) == b""


def test_a_second_put_replaces(engine: Engine) -> None:
    engine.blobs.put("a", b"first, and longer")
    engine.blobs.put("a", b"second")
    assert engine.blobs.get("a") == b"second"


def test_an_empty_blob_is_a_blob(engine: Engine) -> None:
    engine.blobs.put("a", b"")
    assert engine.blobs.get("a") == b""


def test_what_is_not_there_is_not_found_and_deleting_it_is_fine(engine: Engine) -> None:
    with pytest.raises(NotFound):
        engine.blobs.get("a/b")
    engine.blobs.delete("a/b")
    engine.blobs.put("a/b", b"x")
    engine.blobs.delete("a/b")
    with pytest.raises(NotFound):
        engine.blobs.get("a/b")


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "..", "a/../b", "../a", ".hidden", "a b", "a\\b", "a\0b", "é", "x" * 600, "a/./b"]
)
def test_a_key_that_is_none_is_refused(engine: Engine, key: str) -> None:
    for use in (lambda: engine.blobs.put(key, b""), lambda: engine.blobs.get(key), lambda: engine.blobs.delete(key)):
        with pytest.raises(Refused):
            use()
