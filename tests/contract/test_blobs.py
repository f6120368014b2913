"""Port `Blobs`."""

from __future__ import annotations

import threading

import pytest

from mailit.domain.errors import NotFound, Refused
from tests.contract.engines import Clock, Engine, Kind

PORTS = {"blobs"}


@pytest.mark.parametrize("key", ["a", "team/raw/0198-x_y.eml", "t/" + "k" * 200, "A/b.c/d..e", "-/_"])
@pytest.mark.parametrize("data", [b"", b"\x00\xff\r\n.\r\n", b"x" * 3_000_000], ids=["empty", "binary", "3 MB"])
def test_a_blob_comes_back_as_it_was(engine: Engine, key: str, data: bytes) -> None:
    engine.blobs.put(key, data)
    assert engine.blobs.get(key) == data


def test_a_put_replaces_what_was_there(engine: Engine) -> None:
    engine.blobs.put("t/k", b"a long first version")
    engine.blobs.put("t/k", b"short")
    assert engine.blobs.get("t/k") == b"short"


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [(0, 3, b"012"), (4, None, b"456789"), (8, 5, b"89"), (0, 0, b""), (10, 1, b""), (999, None, b"")],
)
def test_a_range_is_what_lies_in_it(engine: Engine, start: int, length: int | None, expected: bytes) -> None:
    engine.blobs.put("t/k", b"0123456789")
    assert engine.blobs.get("t/k", start, length) == expected


@pytest.mark.parametrize(("start", "length"), [(-1, None), (0, -1)])
def test_a_negative_range_is_refused(engine: Engine, start: int, length: int | None) -> None:
    engine.blobs.put("t/k", b"0123456789")
    with pytest.raises(Refused):
        engine.blobs.get("t/k", start, length)


def test_a_blob_that_is_not_there_is_not_found(engine: Engine) -> None:
    engine.blobs.put("t/k/here", b"x")
    for key in ("nobody", "t/k/there", "t/k", "t/k/here/below"):
        with pytest.raises(NotFound):
            engine.blobs.get(key)


def test_a_deleted_blob_is_gone_and_deleting_it_again_is_fine(engine: Engine) -> None:
    engine.blobs.put("t/k", b"x")
    engine.blobs.delete("t/k")
    with pytest.raises(NotFound):
        engine.blobs.get("t/k")
    for key in ("t/k", "never/was", "t"):
        engine.blobs.delete(key)
    engine.blobs.put("t/k", b"y")
    assert engine.blobs.get("t/k") == b"y"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "/etc/passwd",
        "a/",
        "a//b",
        "..",
        "../a",
        "a/../b",
        "a/./b",
        ".",
        ".a",
        "a/.b",
        "a b",
        "é",
        "a\x00",
        "a\n",
        "a\\b",
        "a%2fb",
        "a:b",
        "k" * 600,
    ],
    ids=repr,
)
def test_a_key_out_of_the_grammar_is_refused(engine: Engine, key: str) -> None:
    with pytest.raises(Refused):
        engine.blobs.put(key, b"x")
    with pytest.raises(Refused):
        engine.blobs.get(key)
    with pytest.raises(Refused):
        engine.blobs.delete(key)


def test_a_reader_sees_the_old_or_the_new_bytes_never_a_mixture(engine: Engine) -> None:
    versions = [bytes([65 + n]) * 300_000 for n in range(20)]
    engine.blobs.put("t/k", versions[0])
    done = threading.Event()

    def replace() -> None:
        for version in versions:
            engine.blobs.put("t/k", version)
        done.set()

    writer = threading.Thread(target=replace)
    writer.start()
    while not done.is_set():
        assert engine.blobs.get("t/k") in versions
    writer.join()
    assert engine.blobs.get("t/k") == versions[-1]


def test_blobs_are_there_after_the_engine_was_opened_again(
    engine: Engine, kind: Kind, place: str, clock: Clock
) -> None:
    engine.blobs.put("t/k", b"x")
    with kind.open(place, clock) as again:
        assert again.blobs.get("t/k") == b"x"
