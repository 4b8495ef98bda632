"""The embedded database, on real files."""

from __future__ import annotations

import asyncio
import sqlite3
from itertools import count

import pytest

from gateway.database import clock
from gateway.database.protocol import DatabaseDown, SchemaMismatch, Unfit
from gateway.database.schema import HEAD
from gateway.database.sqlite import SqliteDatabase
from tests.gateway.database.conftest import ADD, COUNT, until


async def test_a_turn_of_very_many_is_several_groups(on_sqlite) -> None:
    database = await on_sqlite()
    before = database.stats()["commits_total"]

    await asyncio.gather(*(database.write(ADD, f"{number}", 1) for number in range(1100)))

    assert database.stats()["commits_total"] - before == 3
    assert await database.read(COUNT) == [(1100, 1100)]


async def test_the_clock_is_the_database_s(on_sqlite, monkeypatch) -> None:
    database = await on_sqlite()
    monkeypatch.setattr(clock, "now", lambda: 1234.5)

    await database.write("INSERT INTO things (id, amount, at) VALUES ($1, 1, {now} + $2) RETURNING $1", "a", 10.0)

    assert await database.read("SELECT at, {now} FROM things WHERE at > {now}") == [(1244.5, 1234.5)]


async def test_a_reader_cannot_write(on_sqlite) -> None:
    database = await on_sqlite()
    with pytest.raises(DatabaseDown):
        await database.read("DELETE FROM things")


async def test_a_second_owner_of_the_file_is_refused_in_one_line(on_sqlite, tmp_path) -> None:
    first = await on_sqlite()
    second = SqliteDatabase(tmp_path / "payguard.db")

    with pytest.raises(Unfit, match=r"^another gateway uses the database .*payguard\.db: .*$"):
        await second.open()
    await second.close()
    await first.close()
    await second.open()
    await second.close()


async def test_a_file_that_is_no_database_is_one_line(tmp_path) -> None:
    (tmp_path / "payguard.db").write_bytes(b"not a database, surely" * 100)
    with pytest.raises(Unfit, match=r"^cannot use the database .*payguard\.db: file is not a database$"):
        await SqliteDatabase(tmp_path / "payguard.db").open()


async def test_commits_are_durable_in_the_log(on_sqlite, tmp_path) -> None:
    await on_sqlite()
    reader = sqlite3.connect(tmp_path / "payguard.db")

    assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)


KEEP = "INSERT INTO things (id, amount, data) VALUES ($1, 1, $2) RETURNING id"


async def filled(database: SqliteDatabase) -> int:
    """With how many things."""
    for written in count():
        try:
            await database.write(KEEP, f"{written}", bytes(4000))
        except DatabaseDown:
            return written
    raise AssertionError


async def test_a_disk_that_fills_up_refuses_what_does_not_fit_and_recovers_when_there_is_room(on_sqlite) -> None:
    database = await on_sqlite(pages=100)
    written = await filled(database)
    assert database.trouble == "database or disk is full"
    assert await database.read(COUNT) == [(written, written)]

    outcomes = await asyncio.gather(
        database.write(KEEP, "new", bytes(4000)),
        database.write("UPDATE things SET amount = $2 WHERE id = $1 RETURNING id", "0", 7),
        return_exceptions=True,
    )
    assert [type(each) for each in outcomes] == [DatabaseDown, list]  # what is known of a payment still fits

    await database.write("DELETE FROM things WHERE id <> $1", "0")
    assert await database.write(KEEP, "new", bytes(4000)) == [("new",)]
    assert database.trouble is None
    assert await database.read(COUNT) == [(2, 8)]


async def test_a_file_that_is_held_for_too_long_is_not_waited_for_again(on_sqlite, sqlite_path) -> None:
    database = await on_sqlite(patience=0.5)
    holder = sqlite3.connect(sqlite_path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    late = database.write(ADD, "late", 1)
    with pytest.raises(DatabaseDown):
        await late
    at_once = database.write(ADD, "at once", 1)
    assert at_once.done()
    assert isinstance(at_once.exception(), DatabaseDown)
    assert database.trouble == "no answer within 0.5 s"

    holder.execute("ROLLBACK")
    await until(lambda: database.trouble is None)
    assert await database.read("SELECT id FROM things") == [("late",)]  # nobody knew, and it was carried out
    assert await database.write(ADD, "again", 1) == [("again",)]


async def test_a_folder_that_cannot_be_written_is_one_line(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unfit, match=r"^cannot use the database .*payguard\.db: file exists$"):
        await SqliteDatabase(tmp_path / "file" / "payguard.db").open()


async def test_a_new_file_gets_the_newest_schema(tmp_path) -> None:
    database = SqliteDatabase(tmp_path / "new" / "payguard.db")
    await database.open()

    assert await database.read("SELECT version_num FROM schema_version") == [(HEAD,)]
    await database.close()


async def test_a_newer_schema_is_refused_and_the_file_let_go(on_sqlite, sqlite_path) -> None:
    database = await on_sqlite()
    await database.write("UPDATE schema_version SET version_num = '9999'")
    await database.close()

    for _ in range(2):
        with pytest.raises(SchemaMismatch, match="is at 9999, which this payguard does not know"):
            await SqliteDatabase(sqlite_path).open()


async def test_where_only_a_person_may_change_the_schema_it_is_left_alone(tmp_path) -> None:
    with pytest.raises(SchemaMismatch, match="run `payguard ledger migrate`"):
        await SqliteDatabase(tmp_path / "payguard.db", migrate="manual").open()
    assert sqlite3.connect(tmp_path / "payguard.db").execute("SELECT * FROM sqlite_master").fetchall() == []


async def test_more_may_read_at_once_than_there_are_readers(on_sqlite) -> None:
    database = await on_sqlite()
    await database.write(ADD, "a", 1)

    assert await asyncio.gather(*(database.read(COUNT) for _ in range(50))) == [[(1, 1)]] * 50
    stats = database.stats()
    assert (stats["connections"], stats["connections_idle"]) == (4, 3)


async def test_a_read_that_takes_too_long_is_given_up(on_sqlite) -> None:
    database = await on_sqlite(patience=0.5)
    with pytest.raises(DatabaseDown):
        await database.read("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    await until(lambda: database.stats()["connections_idle"] == 3)
    assert await database.read(COUNT) == [(0, 0)]
