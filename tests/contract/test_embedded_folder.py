"""The embedded engine's folder: its version, damage, rights, and what a new release or a crash leaves in it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from mailit.domain.errors import NotFound, Refused
from mailit.engines.embedded.connection import UnusableData
from mailit.engines.embedded.engine import open_engine
from mailit.ports.table import Index, Key, Put, Query, TableSpec, Update
from tests.contract.engines import QUEUES, TABLES, Clock


def test_a_folder_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    open_engine(tmp_path, TABLES, QUEUES, Clock()).close()
    connection = sqlite3.connect(tmp_path / "mailit.db")
    connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(UnusableData, match="99"):
        open_engine(tmp_path, TABLES, QUEUES, Clock())


@pytest.mark.parametrize("content", [b"not a database at all, " * 300, b"SQLite format 3\x00" + b"\xff" * 8176])
def test_a_file_that_is_no_database_is_told_apart_from_trouble_that_passes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mailit.db").write_bytes(content)
    with pytest.raises(UnusableData):
        open_engine(tmp_path, TABLES, QUEUES, Clock())
    assert (tmp_path / "mailit.db").read_bytes() == content


def test_nobody_else_on_the_machine_can_read_what_is_stored(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)  # a folder that somebody made beforehand
    engine = open_engine(tmp_path, TABLES, QUEUES, Clock())
    engine.table.put(Put(Key("rows", "p", "s"), {"secret": 1}))
    engine.blobs.put("team/secret", b"x")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"mailit.db", "mailit.db-wal", "secret"} <= {path.name for path in files}
    assert [path.name for path in files if path.stat().st_mode & 0o077] == []
    engine.close()
    fresh = tmp_path / "fresh"
    open_engine(fresh, TABLES, QUEUES, Clock()).close()
    assert fresh.stat().st_mode & 0o077 == 0


def test_an_index_that_a_release_adds_holds_the_rows_that_were_there(tmp_path: Path) -> None:
    engine = open_engine(tmp_path, [TableSpec("rows")], QUEUES, Clock())
    for number in range(3):
        engine.table.put(Put(Key("rows", "p", f"{number}"), {"owner": "ann", "rank": f"{9 - number}"}))
    engine.table.put(Put(Key("rows", "p", "3"), {"owner": "ann"}))
    engine.close()
    engine = open_engine(tmp_path, [TableSpec("rows", (Index("by_owner", "owner", "rank"),))], QUEUES, Clock())
    engine.table.update(Update(Key("rows", "p", "3"), set={"rank": "8.5"}))
    page = engine.table.query(Query("rows", "ann", index="by_owner"))
    assert [row["sk"] for row in page.rows] == ["2", "1", "3", "0"]
    engine.close()


@pytest.mark.parametrize("name", ["", "Rows", "a b", "a;drop table x", "a__b", "_a", "a_", "1a", "é", 'a"'])
def test_names_that_would_need_quotes_in_sql_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused):
        open_engine(tmp_path, [TableSpec(name)], QUEUES, Clock())
    with pytest.raises(Refused):
        open_engine(tmp_path, [TableSpec("rows", (Index(name, "a", "b"),))], QUEUES, Clock())


def test_a_table_may_be_called_like_another_with_its_index(tmp_path: Path) -> None:
    specs = [TableSpec("a", (Index("b_c", "x", "y"),)), TableSpec("a_b", (Index("c", "x", "y"),)), TableSpec("a_b_c")]
    engine = open_engine(tmp_path, specs, QUEUES, Clock())
    engine.table.put(Put(Key("a_b", "p", "s"), {"x": "1", "y": "2"}))
    assert len(engine.table.query(Query("a_b", "1", index="c")).rows) == 1
    assert engine.table.query(Query("a", "1", index="b_c")).rows == []
    engine.close()


def test_what_a_crash_left_of_a_blob_is_never_seen(tmp_path: Path) -> None:
    engine = open_engine(tmp_path, TABLES, QUEUES, Clock())
    engine.blobs.put("team/whole", b"x")
    (tmp_path / "incoming" / "0123").write_bytes(b"half")
    engine.close()
    engine = open_engine(tmp_path, TABLES, QUEUES, Clock())
    for key in ("0123", "incoming/0123", "team/0123"):
        with pytest.raises(NotFound):
            engine.blobs.get(key)
    assert engine.blobs.get("team/whole") == b"x"
    engine.close()


@pytest.mark.parametrize(("first", "second"), [("a/b", "a/b/c"), ("a/b/c", "a/b")])
def test_a_blob_key_below_another_is_refused_for_good(tmp_path: Path, first: str, second: str) -> None:
    engine = open_engine(tmp_path, TABLES, QUEUES, Clock())
    engine.blobs.put(first, b"1")
    with pytest.raises(Refused):
        engine.blobs.put(second, b"2")
    assert engine.blobs.get(first) == b"1"
    assert os.listdir(tmp_path / "incoming") == []
    engine.close()
