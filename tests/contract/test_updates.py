"""Port `Table`: updates, conditions, and who wins when several want the same row."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mailit.domain.errors import ConditionFailed, Refused
from mailit.ports.table import Absent, Condition, Delete, Equals, Key, Less, Put, Row, Update, Value
from tests.contract.engines import Engine, Kind
from tests.contract.programs import running

PORTS = {"table"}

KEY = Key("rows", "p", "s")


def fields(engine: Engine, key: Key = KEY) -> Row | None:
    row = engine.table.get(key)
    return None if row is None else {name: value for name, value in row.items() if name not in ("pk", "sk")}


def test_an_update_sets_removes_and_adds_and_returns_the_row(engine: Engine) -> None:
    engine.table.put(Put(KEY, {"keep": "k", "change": 1, "drop": True, "n": 5}))
    row = engine.table.update(Update(KEY, set={"change": [2], "new": b"x"}, remove=("drop", "absent"), add={"n": -7}))
    assert row == {"pk": "p", "sk": "s", "keep": "k", "change": [2], "new": b"x", "n": -2}
    assert engine.table.get(KEY) == row


def test_an_update_makes_a_row_that_is_absent(engine: Engine) -> None:
    assert engine.table.update(Update(KEY, set={"a": 1}, add={"n": 2})) == {"pk": "p", "sk": "s", "a": 1, "n": 2}
    bare = Key("rows", "p", "bare")
    assert engine.table.update(Update(bare)) == {"pk": "p", "sk": "bare"}
    assert fields(engine, bare) == {}


@pytest.mark.parametrize("durable", [True, False])
def test_large_and_negative_numbers_add_up_exactly(engine: Engine, durable: bool) -> None:
    for amount in (2**62, 2**62, 10**37, -1, -(10**37), 0):
        engine.table.update(Update(KEY, add={"n": amount}, durable=durable))
    assert fields(engine) == {"n": 2**63 - 1}


@pytest.mark.parametrize("value", ["5", True, None, [1], b"1"], ids=repr)
def test_adding_to_what_is_no_number_is_refused(engine: Engine, value: Value) -> None:
    engine.table.put(Put(KEY, {"n": value}))
    with pytest.raises(Refused):
        engine.table.update(Update(KEY, add={"n": 1}))
    assert fields(engine) == {"n": value}


def test_a_sum_of_more_than_38_digits_is_refused(engine: Engine) -> None:
    engine.table.put(Put(KEY, {"n": 10**38 - 1}))
    with pytest.raises(Refused):
        engine.table.update(Update(KEY, add={"n": 1}))
    assert fields(engine) == {"n": 10**38 - 1}


def test_one_field_changed_in_two_ways_is_refused(engine: Engine) -> None:
    with pytest.raises(Refused):
        engine.table.update(Update(KEY, set={"a": 1}, remove=("a",)))
    with pytest.raises(Refused):
        engine.table.update(Update(KEY, set={"a": 1}, add={"a": 1}))
    assert fields(engine) is None


ROW: Row = {"text": "b", "n": 5, "yes": True, "none": None, "bytes": b"b", "list": ["a", 1], "map": {"k": [False]}}


@pytest.mark.parametrize(
    "condition",
    [
        Absent("nothing"),
        Equals("text", "b"),
        Equals("n", 5),
        Equals("yes", True),
        Equals("none", None),
        Equals("bytes", b"b"),
        Equals("list", ["a", 1]),
        Equals("list", ("a", 1)),
        Equals("map", {"k": [False]}),
        Less("text", "ba"),
        Less("text", "\U0001f600"),
        Less("n", 6),
        Less("n", 10**37),
    ],
    ids=repr,
)
def test_a_condition_that_holds_lets_the_write_through(engine: Engine, condition: Condition) -> None:
    engine.table.put(Put(KEY, ROW))
    engine.table.update(Update(KEY, set={"done": 1}, when=(condition,)))
    assert fields(engine) == {**ROW, "done": 1}
    engine.table.delete(Delete(KEY, when=(condition,)))
    assert fields(engine) is None


@pytest.mark.parametrize(
    "condition",
    [
        Absent("text"),
        Absent("none"),  # None is a value
        Equals("nothing", None),
        Equals("text", "B"),
        Equals("text", b"b"),
        Equals("n", 6),
        Equals("n", "5"),
        Equals("yes", 1),
        Equals("yes", "true"),
        Equals("none", False),
        Equals("list", ["a", True]),
        Equals("list", ["a"]),
        Equals("map", {"k": [0]}),
        Equals("map", {}),
        Less("nothing", 1),
        Less("text", "b"),
        Less("text", 9),
        Less("n", 5),
        Less("n", -6),
        Less("n", "9"),
        Less("yes", 2),
        Less("none", 1),
    ],
    ids=repr,
)
def test_a_condition_that_does_not_hold_stops_the_write(engine: Engine, condition: Condition) -> None:
    engine.table.put(Put(KEY, ROW))
    with pytest.raises(ConditionFailed):
        engine.table.update(Update(KEY, set={"done": 1}, remove=("text",), add={"n": 1}, when=(condition,)))
    with pytest.raises(ConditionFailed):
        engine.table.delete(Delete(KEY, when=(condition,)))
    assert fields(engine) == ROW


def test_text_is_compared_by_its_utf8_bytes(engine: Engine) -> None:
    # In UTF-16 the astral character would come first.
    engine.table.put(Put(KEY, {"v": "\uffee"}))
    engine.table.update(Update(KEY, set={"done": 1}, when=(Less("v", "\U00010000"),)))
    assert fields(engine) == {"v": "\uffee", "done": 1}


def test_all_conditions_must_hold(engine: Engine) -> None:
    engine.table.put(Put(KEY, {"a": 1, "b": 2}))
    with pytest.raises(ConditionFailed):
        engine.table.update(Update(KEY, set={"a": 9}, when=(Equals("a", 1), Equals("b", 3))))
    engine.table.update(Update(KEY, set={"a": 9}, when=(Equals("a", 1), Equals("b", 2), Absent("c"))))
    assert fields(engine) == {"a": 9, "b": 2}


def test_a_row_that_is_absent_has_no_fields(engine: Engine) -> None:
    with pytest.raises(ConditionFailed):
        engine.table.update(Update(KEY, set={"a": 1}, when=(Equals("a", 1),)))
    with pytest.raises(ConditionFailed):
        engine.table.update(Update(KEY, set={"a": 1}, when=(Less("a", 1),)))
    with pytest.raises(ConditionFailed):
        engine.table.delete(Delete(KEY, when=(Equals("a", 1),)))
    assert fields(engine) is None
    engine.table.delete(Delete(KEY, when=(Absent("a"),)))
    engine.table.update(Update(KEY, set={"a": 1}, when=(Absent("a"),)))
    assert fields(engine) == {"a": 1}


def test_of_threads_that_claim_one_row_exactly_one_wins(engine: Engine) -> None:
    def claim(number: int) -> bool:
        try:
            engine.table.update(Update(KEY, set={"winner": number}, when=(Absent("winner"),)))
        except ConditionFailed:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = [number for number, wins in enumerate(threads.map(claim, range(24))) if wins]
    assert [fields(engine)] == [{"winner": number} for number in won]


def test_of_threads_that_put_only_if_absent_exactly_one_wins(engine: Engine) -> None:
    def put(number: int) -> int:
        try:
            engine.table.put(Put(KEY, {"n": number}, only_if_absent=True))
        except ConditionFailed:
            return 0
        return 1

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(put, range(24))) == 1


def test_no_count_is_lost_between_threads(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as threads:
        rows = list(
            threads.map(lambda n: engine.table.update(Update(KEY, add={"n": 1}, durable=n % 2 == 0)), range(80))
        )
    assert sorted(row["n"] for row in rows) == list(range(1, 81))  # type: ignore[type-var]


def test_of_processes_that_claim_rows_each_row_has_one_winner(engine: Engine, kind: Kind, place: str) -> None:
    with running(*(("claim", kind.name, place, owner) for owner in ("a", "b", "c"))) as processes:
        for process in processes:
            process.go()
        won = {owner: process.result() for owner, process in zip("abc", processes, strict=True)}
    owners = {number: owner for owner, numbers in won.items() for number in numbers}
    assert sum(map(len, won.values())) == len(owners) == 50
    for number, owner in owners.items():
        assert fields(engine, Key("rows", "race", number)) == {"owner": owner}


def test_no_count_is_lost_between_processes(engine: Engine, kind: Kind, place: str) -> None:
    with running(*[("add", kind.name, place, "100")] * 3) as processes:
        for process in processes:
            process.go()
        for process in processes:
            process.result()
    assert fields(engine, Key("rows", "counter", "counter")) == {"n": 300}
