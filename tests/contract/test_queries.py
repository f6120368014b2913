"""Port `Table`: queries, their order, and pages that lose nothing and repeat nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailit.domain.errors import Refused
from mailit.ports.table import Delete, Key, Put, Query, Row, Update
from tests.contract.engines import Engine

PORTS = {"table"}

ALL = Query("rows", "p", limit=1000)


def put(engine: Engine, *keys: str, pk: str = "p") -> None:
    engine.table.put_many([Put(Key("rows", pk, sk), {"name": sk}) for sk in keys])


def keys(engine: Engine, query: Query) -> list[str]:
    """Sort keys over all pages, each of which keeps the limit."""
    return [str(row["sk"]) for row in rows(engine, query)]


def rows(engine: Engine, query: Query) -> list[Row]:
    found: list[Row] = []
    while True:
        page = engine.table.query(query)
        assert len(page.rows) <= query.limit
        found += page.rows
        if page.cursor is None:
            return found
        query = replace(query, cursor=page.cursor)


def test_a_query_gives_whole_rows_of_its_partition_alone(engine: Engine) -> None:
    put(engine, "a", "b")
    put(engine, "c", pk="p2")
    put(engine, "d", pk="P")
    assert rows(engine, ALL) == [{"pk": "p", "sk": "a", "name": "a"}, {"pk": "p", "sk": "b", "name": "b"}]
    assert rows(engine, Query("others", "p")) == []


ORDERED = [
    "\x00",
    "\x00\x01",
    "!",
    "A",
    "B",
    "a",
    "a\x00",
    "a!",
    "aa",
    "b",
    "\x7f",
    "\u00e9",
    "\ud7ff",
    "\ue000",
    "\uffee",
    "\U00010000",
    "\U0010ffff",
]


def test_rows_come_in_the_order_of_their_keys_utf8_bytes(engine: Engine) -> None:
    put(engine, *reversed(ORDERED))
    assert keys(engine, ALL) == ORDERED == sorted(ORDERED, key=lambda key: key.encode())
    assert keys(engine, replace(ALL, descending=True)) == ORDERED[::-1]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7])
def test_pages_of_any_size_give_each_row_once(engine: Engine, limit: int, descending: bool) -> None:
    names = [f"{n}" for n in range(6)]
    put(engine, *names)
    query = replace(ALL, limit=limit, descending=descending)
    assert keys(engine, query) == (names[::-1] if descending else names)


def test_bounds_are_exclusive(engine: Engine) -> None:
    put(engine, "a", "b", "c", "d")
    assert keys(engine, replace(ALL, after="a")) == ["b", "c", "d"]
    assert keys(engine, replace(ALL, before="c")) == ["a", "b"]
    assert keys(engine, replace(ALL, after="a", before="d", limit=1)) == ["b", "c"]
    assert keys(engine, replace(ALL, after="a", before="d", descending=True, limit=1)) == ["c", "b"]
    assert keys(engine, replace(ALL, after="aa", before="az")) == []
    assert keys(engine, replace(ALL, after="d", before="a")) == []


@pytest.mark.parametrize(
    "prefix", ["a", "a#", "a%", "a_", "A", "\ud7ff", "\uffff", "\U0010ffff", "\U0010ffff\U0010ffff", "a\x00"]
)
@pytest.mark.parametrize("descending", [False, True])
def test_a_prefix_is_taken_letter_by_letter(engine: Engine, prefix: str, descending: bool) -> None:
    names = [
        "A",
        "a",
        "a#1",
        "a#2",
        "a%",
        "a\x00b",
        "a_",
        "ab",
        "b",
        "\ud7ff",
        "\ud7ffx",
        "\ue000",
        "\uffff",
        "\uffffx",
        "\U00010000",
    ]
    names += ["\U0010fffe", "\U0010ffff", "\U0010ffff\U0010ffffx"]
    put(engine, *names)
    expected = sorted((name for name in names if name.startswith(prefix)), key=str.encode, reverse=descending)
    assert keys(engine, replace(ALL, prefix=prefix, descending=descending, limit=2)) == expected


def test_a_prefix_and_bounds_together_are_refused(engine: Engine) -> None:
    with pytest.raises(Refused):
        engine.table.query(replace(ALL, prefix="a", after="b"))


def test_rows_added_between_two_pages_move_nothing(engine: Engine) -> None:
    put(engine, "b", "d", "f", "h")
    first = engine.table.query(replace(ALL, limit=2))
    put(engine, "a", "c", "e", "g")
    engine.table.delete(Delete(Key("rows", "p", "d")))
    assert [row["sk"] for row in first.rows] == ["b", "d"]
    assert keys(engine, replace(ALL, limit=2, cursor=first.cursor)) == ["e", "f", "g", "h"]


def test_newest_first_pages_do_not_see_what_was_added_meanwhile(engine: Engine) -> None:
    put(engine, "1", "2", "3", "4")
    query = replace(ALL, limit=2, descending=True)
    first = engine.table.query(query)
    put(engine, "5", "6")
    assert [row["sk"] for row in first.rows] == ["4", "3"]
    assert keys(engine, replace(query, cursor=first.cursor)) == ["2", "1"]


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "é", "W10=", "bnVsbA==", "WzEsMiwzLDRd", "[" * 3000, "A" * 5000])
def test_a_cursor_that_is_none_is_refused(engine: Engine, cursor: str) -> None:
    with pytest.raises(Refused):
        engine.table.query(replace(ALL, cursor=cursor))


@pytest.mark.parametrize(
    "other",
    [
        Query("others", "p"),
        Query("rows", "p2"),
        Query("rows", "p", descending=True),
        Query("rows", "p", index="by_owner"),
    ],
    ids=["table", "partition", "order", "index"],
)
def test_a_cursor_of_another_list_is_refused(engine: Engine, other: Query) -> None:
    put(engine, "a", "b")
    cursor = engine.table.query(replace(ALL, limit=1)).cursor
    assert cursor is not None
    with pytest.raises(Refused):
        engine.table.query(replace(other, cursor=cursor))


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_1_is_refused(engine: Engine, limit: int) -> None:
    with pytest.raises(Refused):
        engine.table.query(replace(ALL, limit=limit))


def test_an_unknown_index_is_refused(engine: Engine) -> None:
    with pytest.raises(Refused, match="by_shoe_size"):
        engine.table.query(Query("rows", "p", index="by_shoe_size"))


OWNED = Query("rows", "ann", index="by_owner", limit=1000)


def own(engine: Engine, sk: str, pk: str = "p", **fields: str | int) -> None:
    engine.table.put(Put(Key("rows", pk, sk), {"owner": "ann", **fields}))


def test_an_index_gives_rows_of_all_partitions_in_its_own_order(engine: Engine) -> None:
    own(engine, "1", rank="c")
    own(engine, "2", pk="q", rank="a")
    own(engine, "3", pk="r", rank="b")
    engine.table.put(Put(Key("rows", "p", "4"), {"owner": "bob", "rank": "a"}))
    assert keys(engine, OWNED) == ["2", "3", "1"]
    assert keys(engine, replace(OWNED, descending=True)) == ["1", "3", "2"]
    assert rows(engine, OWNED)[0] == {"pk": "q", "sk": "2", "owner": "ann", "rank": "a"}


def test_a_row_without_both_fields_is_not_in_the_index(engine: Engine) -> None:
    own(engine, "1")
    engine.table.put(Put(Key("rows", "p", "2"), {"rank": "a"}))
    own(engine, "3", rank="b")
    assert keys(engine, OWNED) == ["3"]


def test_an_index_follows_updates_and_deletes(engine: Engine) -> None:
    own(engine, "1", rank="a")
    own(engine, "2", rank="b")
    own(engine, "3", rank="c")
    own(engine, "4", rank="d")
    engine.table.update(Update(Key("rows", "p", "1"), set={"rank": "z"}))
    engine.table.update(Update(Key("rows", "p", "2"), remove=("rank",)))
    engine.table.update(Update(Key("rows", "p", "5"), set={"owner": "ann", "rank": "e"}))
    engine.table.delete(Delete(Key("rows", "p", "3")))
    engine.table.put(Put(Key("rows", "p", "4"), {"owner": "bob", "rank": "d"}))
    assert keys(engine, OWNED) == ["5", "1"]


def test_bounds_and_prefix_of_an_index_speak_of_its_sort_field(engine: Engine) -> None:
    for number, rank in enumerate(("a", "ab", "b", "c")):
        own(engine, str(number), rank=rank)
    assert keys(engine, replace(OWNED, after="a", before="c")) == ["1", "2"]
    assert keys(engine, replace(OWNED, prefix="a")) == ["0", "1"]


@pytest.mark.parametrize("descending", [False, True])
def test_rows_of_equal_rank_are_all_seen_over_pages(engine: Engine, descending: bool) -> None:
    for pk in ("x", "y"):
        for sk in ("1", "2", "3"):
            own(engine, sk, pk=pk, rank="same")
    own(engine, "0", rank="before")
    found = rows(engine, replace(OWNED, limit=2, descending=descending))
    assert len(found) == 7
    assert {(row["pk"], row["sk"]) for row in found} == {("p", "0"), *((pk, sk) for pk in "xy" for sk in "123")}


@pytest.mark.parametrize("descending", [False, True])
def test_an_index_can_be_sorted_by_a_number(engine: Engine, descending: bool) -> None:
    ages = [-(2**40), -5, 0, 9, 10, 2**60]
    for number, age in enumerate(ages):
        own(engine, str(number), age=age)
    found = rows(engine, Query("rows", "ann", index="by_age", limit=2, descending=descending))
    assert [row["age"] for row in found] == (ages[::-1] if descending else ages)
