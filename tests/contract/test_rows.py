"""Port `Table`: what a row can hold, and how it is written, read and removed."""

from __future__ import annotations

import pytest

from mailit.domain.errors import ConditionFailed, Refused
from mailit.ports.table import Delete, Key, Put, Row, Update, Value
from tests.contract.engines import Clock, Engine, Kind

PORTS = {"table"}

KEY = Key("rows", "p", "s")


def kept(engine: Engine, fields: Row) -> Row:
    """What comes back of a row that was put."""
    engine.table.put(Put(KEY, fields))
    row = engine.table.get(KEY)
    assert row is not None
    return {name: value for name, value in row.items() if name not in ("pk", "sk")}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "plain",
        "a\x00b \u2028 \"quoted\" 'x' \\",
        "é漢😀",
        0,
        -1,
        2**63,
        10**38 - 1,
        -(10**38) + 1,
        True,
        False,
        None,
        b"",
        b"\x00\xff\xfe raw",
        [],
        {},
        ["a", 1, None, [b"x", [True]], {"k": []}],
        {"a": {"b": {"c": [1, b"2", "3"]}}},
        {"": "empty name inside"},
        {"\x00bytes": "eA=="},
        {"\x00bytes": b"x"},
        {"\x00map": {"\x00bytes": "eA=="}},
    ],
    ids=repr,
)
def test_every_kind_of_value_comes_back_as_it_was(engine: Engine, value: Value) -> None:
    found = kept(engine, {"v": value, "in": {"list": [value]}})
    assert repr(found) == repr({"v": value, "in": {"list": [value]}})


def test_a_boolean_stays_a_boolean_and_a_number_a_number(engine: Engine) -> None:
    assert [type(value) for value in kept(engine, {"a": True, "b": 1, "c": False, "d": 0}).values()] == [
        bool,
        int,
        bool,
        int,
    ]


def test_a_tuple_comes_back_as_a_list(engine: Engine) -> None:
    assert kept(engine, {"v": ("a", ("b",))}) == {"v": ["a", ["b"]]}


def test_a_row_of_350_kb_is_kept(engine: Engine) -> None:
    assert kept(engine, {"v": "é" * 175_000}) == {"v": "é" * 175_000}


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        10**38,
        -(10**38),
        {1, 2},
        object(),
        {"a": 0.1},
        "\ud800",
        "x" * 410_000,
        {1: "number as name"},
    ],
    ids=["float", "nan", "39 digits", "minus 39 digits", "set", "object", "deep float", "surrogate", "large", "name"],
)
def test_what_is_no_value_is_refused_and_changes_nothing(engine: Engine, value: Value) -> None:
    engine.table.put(Put(KEY, {"v": "before"}))
    with pytest.raises(Refused):
        engine.table.put(Put(KEY, {"v": value}))
    with pytest.raises(Refused):
        engine.table.update(Update(KEY, set={"v": value}))
    assert engine.table.get(KEY) == {"pk": "p", "sk": "s", "v": "before"}


def test_a_value_that_is_nested_without_end_is_refused(engine: Engine) -> None:
    value: Value = []
    for _ in range(5000):
        value = [value]
    with pytest.raises(Refused):
        engine.table.put(Put(KEY, {"v": value}))


@pytest.mark.parametrize(
    ("pk", "sk"),
    [("", "s"), ("p", ""), ("p" * 2049, "s"), ("p", "s" * 1025), ("é" * 1025, "s"), ("\ud800", "s"), ("p", "\udfff")],
    ids=["empty pk", "empty sk", "long pk", "long sk", "long in bytes", "surrogate pk", "surrogate sk"],
)
def test_a_key_that_is_none_is_refused(engine: Engine, pk: str, sk: str) -> None:
    with pytest.raises(Refused):
        engine.table.put(Put(Key("rows", pk, sk), {}))
    with pytest.raises(Refused):
        engine.table.update(Update(Key("rows", pk, sk), {"a": 1}))


def test_keys_of_the_full_length_work(engine: Engine) -> None:
    key = Key("rows", "é" * 1024, "é" * 512)
    engine.table.put(Put(key, {"a": 1}))
    assert engine.table.get(key) == {"pk": key.pk, "sk": key.sk, "a": 1}


def test_a_row_has_its_key_in_it_and_no_field_of_that_name(engine: Engine) -> None:
    engine.table.put(Put(KEY, {}))
    assert engine.table.get(KEY) == {"pk": "p", "sk": "s"}
    with pytest.raises(Refused):
        engine.table.put(Put(KEY, {"pk": "other"}))
    with pytest.raises(Refused):
        engine.table.update(Update(KEY, {"sk": "other"}))


@pytest.mark.parametrize(
    "key", [Key("rows", "P", "s"), Key("rows", "p", "S"), Key("rows", "p ", "s"), Key("others", "p", "s")]
)
def test_only_the_very_key_finds_a_row(engine: Engine, key: Key) -> None:
    engine.table.put(Put(KEY, {"a": 1}))
    assert engine.table.get(key) is None


def test_a_composed_and_a_decomposed_letter_are_two_keys(engine: Engine) -> None:
    engine.table.put(Put(Key("rows", "p", "\u00e9"), {"form": "composed"}))
    engine.table.put(Put(Key("rows", "p", "e\u0301"), {"form": "decomposed"}))
    found = engine.table.get(Key("rows", "p", "\u00e9"))
    assert found == {"pk": "p", "sk": "\u00e9", "form": "composed"}


def test_a_put_replaces_the_whole_row(engine: Engine) -> None:
    engine.table.put(Put(KEY, {"a": 1, "b": 2}))
    assert kept(engine, {"c": 3}) == {"c": 3}


def test_only_if_absent_does_not_replace(engine: Engine) -> None:
    engine.table.put(Put(KEY, {"a": 1}, only_if_absent=True))
    with pytest.raises(ConditionFailed):
        engine.table.put(Put(KEY, {"a": 2}, only_if_absent=True))
    assert engine.table.get(KEY) == {"pk": "p", "sk": "s", "a": 1}


def test_a_deleted_row_is_gone_and_can_be_made_again(engine: Engine) -> None:
    engine.table.put(Put(KEY, {"a": 1}))
    engine.table.delete(Delete(KEY))
    assert engine.table.get(KEY) is None
    engine.table.delete(Delete(KEY))
    engine.table.put(Put(KEY, {"a": 2}, only_if_absent=True))


@pytest.mark.parametrize("number", [1, 26, 101, 230])
def test_any_number_of_rows_is_put_and_read_in_one_call(engine: Engine, number: int) -> None:
    keys = [Key("rows" if n % 2 else "others", f"p{n % 7}", f"{n:04d}") for n in range(number)]
    engine.table.put_many([Put(key, {"n": n}) for n, key in enumerate(keys)])
    found = engine.table.get_many([*keys, *keys[:3], Key("rows", "nobody", "here")])
    assert found == {key: {"pk": key.pk, "sk": key.sk, "n": n} for n, key in enumerate(keys)}


def test_no_rows_in_one_call_are_fine(engine: Engine) -> None:
    engine.table.put_many([])
    assert engine.table.get_many([]) == {}


def test_a_table_that_does_not_exist_is_refused(engine: Engine) -> None:
    key = Key("nowhere", "p", "s")
    with pytest.raises(Refused, match="nowhere"):
        engine.table.get(key)
    with pytest.raises(Refused, match="nowhere"):
        engine.table.put(Put(key, {}))


def test_rows_are_there_after_the_engine_was_opened_again(engine: Engine, kind: Kind, place: str, clock: Clock) -> None:
    engine.table.put(Put(KEY, {"a": 1}))
    with kind.open(place, clock) as again:
        assert again.table.get(KEY) == {"pk": "p", "sk": "s", "a": 1}
