"""The promises of port `Table`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mailit.domain.errors import ConditionFailed, Refused
from mailit.engines.embedded.engine import Engine
from mailit.ports.table import Absent, Condition, Delete, Equals, Key, Less, Put, Query, Update


def key(sk: str = "s", pk: str = "p") -> Key:
    return Key("things", pk, sk)


def put(engine: Engine, sk: str, **fields: Any) -> None:
    engine.table.put(Put(key(sk), fields))


def sks(engine: Engine, **query: Any) -> list[str]:
    return [str(row["sk"]) for row in engine.table.query(Query("things", "p", **query)).rows]


VALUES: dict[str, Any] = {
    "text": "é\u0000\U0001f600",
    "empty": "",
    "zero": 0,
    "big": 10**38 - 1,
    "negative": -(10**38) + 1,
    "yes": True,
    "no": False,
    "nothing": None,
    "bytes": bytes(range(256)),
    "no_bytes": b"",
    "list": [1, "a", None, [], {}],
    "map": {"a": {"b": [b"\xff"]}, "": 1},
    "tagged": {"\u0000bytes": "eA=="},
    "tagged_twice": {"\u0000map": {"\u0000bytes": "eA=="}},
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_as_it_was_put(engine: Engine, name: str) -> None:
    put(engine, "s", value=VALUES[name])
    found = engine.table.get(key())
    assert found == {"pk": "p", "sk": "s", "value": VALUES[name]}
    assert type(found["value"]) is type(VALUES[name])


def test_what_is_not_there_is_none(engine: Engine) -> None:
    assert engine.table.get(key()) is None
    assert engine.table.get_many([key(), key("t")]) == {}


def test_a_put_replaces_the_whole_row(engine: Engine) -> None:
    put(engine, "s", a=1, b=2)
    put(engine, "s", b=3)
    assert engine.table.get(key()) == {"pk": "p", "sk": "s", "b": 3}


def test_only_if_absent_wins_once(engine: Engine) -> None:
    engine.table.put(Put(key(), {"n": 1}, only_if_absent=True))
    with pytest.raises(ConditionFailed):
        engine.table.put(Put(key(), {"n": 2}, only_if_absent=True))
    assert engine.table.get(key()) == {"pk": "p", "sk": "s", "n": 1}


def test_many_rows_are_put_and_got_at_once(engine: Engine) -> None:
    puts = [Put(key(f"{number:04d}"), {"n": number}) for number in range(333)]
    engine.table.put_many(puts)
    found = engine.table.get_many([item.key for item in puts] + [key("none")])
    assert {item.key: item.fields["n"] for item in puts} == {where: row["n"] for where, row in found.items()}


def test_an_update_sets_removes_and_adds(engine: Engine) -> None:
    put(engine, "s", a=1, b=2, c=3)
    row = engine.table.update(Update(key(), set={"a": "x"}, remove=["b", "none"], add={"c": -5, "d": 7}))
    assert row == {"pk": "p", "sk": "s", "a": "x", "c": -2, "d": 7}
    assert engine.table.get(key()) == row


def test_an_update_makes_a_row_that_is_not_there(engine: Engine) -> None:
    assert engine.table.update(Update(key(), add={"n": 1})) == {"pk": "p", "sk": "s", "n": 1}


def test_numbers_add_up_beyond_64_bits(engine: Engine) -> None:
    put(engine, "s", n=2**80)
    assert engine.table.update(Update(key(), add={"n": -1}))["n"] == 2**80 - 1


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Absent("none"), True),
        (Absent("n"), False),
        (Equals("n", 5), True),
        (Equals("n", 6), False),
        (Equals("n", "5"), False),
        (Equals("none", 5), False),
        (Equals("none", None), False),
        (Equals("nothing", None), True),
        (Equals("yes", True), True),
        (Equals("yes", 1), False),
        (Equals("one", True), False),
        (Less("n", 6), True),
        (Less("n", 5), False),
        (Less("none", 5), False),
        (Less("text", "b"), True),
        (Less("text", "a"), False),
        (Less("text", 5), False),
        (Less("astral", "\uffff"), False),  # UTF-8 order, not UTF-16
    ],
)
def test_conditions_hold_or_nothing_is_written(engine: Engine, condition: Condition, holds: bool) -> None:
    put(engine, "s", n=5, yes=True, one=1, nothing=None, text="a", astral="\U0001f600")
    before = engine.table.get(key())
    if holds:
        assert engine.table.update(Update(key(), set={"new": 1}, when=[condition]))["new"] == 1
        engine.table.delete(Delete(key(), when=[condition]))
        assert engine.table.get(key()) is None
    else:
        with pytest.raises(ConditionFailed):
            engine.table.update(Update(key(), set={"new": 1}, when=[condition]))
        with pytest.raises(ConditionFailed):
            engine.table.delete(Delete(key(), when=[condition]))
        assert engine.table.get(key()) == before


def test_all_conditions_must_hold(engine: Engine) -> None:
    put(engine, "s", n=5)
    with pytest.raises(ConditionFailed):
        engine.table.update(Update(key(), set={"n": 6}, when=[Equals("n", 5), Absent("n")]))


def test_deleting_what_is_not_there_is_fine(engine: Engine) -> None:
    engine.table.delete(Delete(key()))


def test_of_many_claims_at_once_one_wins(engine: Engine) -> None:
    put(engine, "s", free=1)

    def claim(number: int) -> bool:
        try:
            engine.table.update(Update(key(), set={"free": 0, "by": number}, when=[Equals("free", 1)]))
        except ConditionFailed:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(claim, range(64))) == 1


def test_no_count_is_lost(engine: Engine) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: engine.table.update(Update(key(), add={"n": 1})), range(200)))
    row = engine.table.get(key())
    assert row is not None
    assert row["n"] == 200


def test_rows_come_in_the_order_of_their_keys_bytes(engine: Engine) -> None:
    names = ["", "a", "Z", "é", "\uffff", "\U0001f600", "10", "9", "a b", "a\u0000"]
    for name in names[1:]:
        put(engine, name)
    assert sks(engine) == sorted(names[1:], key=lambda name: name.encode())
    assert sks(engine, descending=True) == sorted(names[1:], key=lambda name: name.encode(), reverse=True)


def test_bounds_exclude_and_prefixes_select(engine: Engine) -> None:
    for name in ("a1", "a2", "a3", "b1", "a%", "a_"):
        put(engine, name)
    assert sks(engine, after="a1", before="b1") == ["a2", "a3", "a_"]
    assert sks(engine, prefix="a") == ["a%", "a1", "a2", "a3", "a_"]
    assert sks(engine, prefix="a%") == ["a%"]
    assert sks(engine, after="z") == []


def test_a_partition_is_by_itself(engine: Engine) -> None:
    engine.table.put(Put(key("x", pk="other"), {}))
    put(engine, "s")
    assert sks(engine) == ["s"]


@pytest.mark.parametrize("descending", [False, True])
def test_pages_join_while_rows_are_added(engine: Engine, descending: bool) -> None:
    expected = [f"{number:02d}" for number in range(10, 30)]
    for name in expected:
        put(engine, name)
    seen: list[str] = []
    cursor = None
    while True:
        page = engine.table.query(Query("things", "p", limit=7, cursor=cursor, descending=descending))
        seen += [str(row["sk"]) for row in page.rows]
        put(engine, "05" if not descending else "99")
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == (expected[::-1] if descending else expected)


def test_a_full_last_page_has_no_cursor(engine: Engine) -> None:
    for name in ("a", "b"):
        put(engine, name)
    assert engine.table.query(Query("things", "p", limit=2)).cursor is None


def test_an_index_holds_rows_that_have_both_fields(engine: Engine) -> None:
    put(engine, "a", owner="o", rank="2")
    put(engine, "b", owner="o", rank="1")
    put(engine, "c", owner="o")
    put(engine, "d", rank="1")
    put(engine, "e", owner="x", rank="1")
    rows = engine.table.query(Query("things", "o", index="by_owner")).rows
    assert [row["sk"] for row in rows] == ["b", "a"]
    assert rows[0] == {"pk": "p", "sk": "b", "owner": "o", "rank": "1"}


def test_an_index_follows_its_rows(engine: Engine) -> None:
    put(engine, "a", owner="o", rank="1")
    engine.table.update(Update(key("a"), set={"rank": "2"}))
    assert len(engine.table.query(Query("things", "o", index="by_owner", after="1")).rows) == 1
    engine.table.update(Update(key("a"), remove=["rank"]))
    assert engine.table.query(Query("things", "o", index="by_owner")).rows == []
    put(engine, "a", owner="o", rank="1")
    engine.table.delete(Delete(key("a")))
    assert engine.table.query(Query("things", "o", index="by_owner")).rows == []


def test_pages_of_an_index_lose_no_row_of_equal_rank(engine: Engine) -> None:
    for number in range(25):
        put(engine, f"{number:02d}", owner="o", rank="same")
    seen: list[Any] = []
    cursor = None
    while True:
        page = engine.table.query(Query("things", "o", index="by_owner", limit=4, cursor=cursor))
        seen += [row["sk"] for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(seen) == [f"{number:02d}" for number in range(25)]


def test_a_row_of_350_kb_is_fine_and_one_of_500_is_refused(engine: Engine) -> None:
    put(engine, "s", text="x" * 350_000)
    row = engine.table.get(key())
    assert row is not None
    assert len(str(row["text"])) == 350_000
    with pytest.raises(Refused):
        put(engine, "t", text="x" * 500_000)


@pytest.mark.parametrize(
    "bad",
    [
        lambda engine: engine.table.put(Put(Key("nowhere", "p", "s"), {})),
        lambda engine: engine.table.query(Query("things", "p", index="nowhere")),
        lambda engine: engine.table.query(Query("things", "p", cursor="made up")),
        lambda engine: engine.table.put(Put(Key("things", "", "s"), {})),
        lambda engine: engine.table.put(Put(Key("things", "p", ""), {})),
        lambda engine: engine.table.put(Put(Key("things", "p", "x" * 1025), {})),
        lambda engine: engine.table.put(Put(key(), {"n": 10**38})),
        lambda engine: engine.table.put(Put(key(), {"n": 0.5})),
    ],
    ids=["table", "index", "cursor", "no pk", "no sk", "long sk", "big", "float"],
)
def test_what_makes_no_sense_is_refused(engine: Engine, bad: Any) -> None:
    with pytest.raises(Refused):
        bad(engine)


def test_names_from_outside_are_no_sql(engine: Engine) -> None:
    put(engine, "'; drop table t_things; --", owner="' or 1=1 --", rank="1")
    assert sks(engine, prefix="'") == ["'; drop table t_things; --"]
    assert engine.table.query(Query("things", "' or 1=1", index="by_owner")).rows == []
