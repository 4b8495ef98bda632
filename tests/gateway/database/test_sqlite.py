"""The embedded database, on real files."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.database.protocol import DatabaseDown, Unfit
from gateway.database.sqlite import SqliteDatabase

ADD = "INSERT INTO things (id, amount) VALUES ($1, $2) RETURNING $1"
COUNT = "SELECT count(*), coalesce(sum(amount), 0) FROM things"

Opened = Callable[..., Any]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    """Opens a database on ``tmp_path``'s file, with a table of things."""
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> SqliteDatabase:
            database = SqliteDatabase(tmp_path / "payguard.db", **options)
            await database.open()
            stack.push_async_callback(database.close)
            await database.write(
                "CREATE TABLE IF NOT EXISTS things (id TEXT PRIMARY KEY, amount INTEGER NOT NULL, at FLOAT, data BLOB)"
            )
            return database

        yield make


async def test_what_is_written_can_be_read(opened) -> None:
    database = await opened()

    assert await database.write(ADD, "a", 5) == [("a",)]
    assert await database.read(COUNT) == [(1, 5)]


async def test_statements_of_one_turn_are_one_commit(opened) -> None:
    database = await opened()
    before = database.stats()

    await asyncio.gather(*(database.write(ADD, f"{number}", 1) for number in range(100)))

    after = database.stats()
    assert after["commits_total"] - before["commits_total"] == 1
    assert after["statements_total"] - before["statements_total"] == 100
    assert await database.read(COUNT) == [(100, 100)]


async def test_a_turn_of_very_many_is_several_groups(opened) -> None:
    database = await opened()
    before = database.stats()["commits_total"]

    await asyncio.gather(*(database.write(ADD, f"{number}", 1) for number in range(1100)))

    assert database.stats()["commits_total"] - before == 3
    assert await database.read(COUNT) == [(1100, 1100)]


async def test_statements_take_effect_in_the_order_in_which_they_were_handed_over(opened) -> None:
    database = await opened()
    for number in range(5):
        database.write(ADD, f"{number}", 1)
        database.write("UPDATE things SET amount = amount * 10 + $2 WHERE id = $1 RETURNING $1", f"{number}", 2)

    await database.write(ADD, "last", 0)

    assert await database.read("SELECT DISTINCT amount FROM things WHERE id <> 'last'") == [(12,)]


async def test_a_refused_statement_fails_alone_and_its_group_is_committed(opened) -> None:
    database = await opened()
    before = database.stats()

    outcomes = await asyncio.gather(
        database.write(ADD, "a", 1),
        database.write(ADD, "a", 2),
        database.write(ADD, "b", None),
        database.write(ADD, "c", 1 << 70),
        database.write(ADD, "d", object()),
        database.write("INSERT INTO nowhere VALUES ($1)", 1),
        database.write(ADD, "e", 3),
        return_exceptions=True,
    )

    assert [type(each) for each in outcomes] == [list, *[ValueError] * 5, list]
    assert await database.read(COUNT) == [(2, 4)]
    after = database.stats()
    assert after["commits_total"] - before["commits_total"] == 1
    assert after["failures_total"] == 5


async def test_cancelling_takes_nothing_back(opened) -> None:
    database = await opened()
    database.write(ADD, "a", 1).cancel()
    waiting = asyncio.ensure_future(database.write(ADD, "b", 1))
    await asyncio.sleep(0)
    waiting.cancel()

    await database.write(ADD, "c", 1)

    assert await database.read(COUNT) == [(3, 3)]


async def test_rows_of_every_kind_come_back(opened) -> None:
    database = await opened()
    await database.write("INSERT INTO things (id, amount, at, data) VALUES ($1, $2, $3, $4)", "a", 1, 1.5, b"\x00\xff")
    await database.write("INSERT INTO things (id, amount) VALUES ($1, $2)", "b", 2)

    rows = await database.write("UPDATE things SET amount = amount + $1 RETURNING id, amount, at, data", 10)

    assert sorted(rows) == [("a", 11, 1.5, b"\x00\xff"), ("b", 12, None, None)]


async def test_the_first_parameter_comes_back_once_for_each_row_that_was_changed(opened) -> None:
    database = await opened()
    await asyncio.gather(*(database.write(ADD, f"{number}", 1) for number in range(3)))

    assert await database.write("UPDATE things SET amount = $1 RETURNING $1", 7) == [(7,)] * 3
    assert await database.write("DELETE FROM things WHERE id = $1 RETURNING $1", "9") == []
    again = "INSERT INTO things (id, amount) VALUES ($1, 1) ON CONFLICT DO NOTHING RETURNING $1"
    assert await database.write(again, "0") == []


async def test_the_clock_is_the_database_s(opened, monkeypatch) -> None:
    database = await opened()
    monkeypatch.setattr("time.time", lambda: 1234.5)

    await database.write("INSERT INTO things (id, amount, at) VALUES ($1, 1, {now} + $2) RETURNING $1", "a", 10.0)

    assert await database.read("SELECT at, {now} FROM things WHERE at > {now}") == [(1244.5, 1234.5)]


async def test_a_statement_that_cannot_be_read_is_refused(opened) -> None:
    database = await opened()
    with pytest.raises(ValueError, match="nowhere"):
        await database.read("SELECT * FROM nowhere")


async def test_a_reader_cannot_write(opened) -> None:
    database = await opened()
    with pytest.raises(DatabaseDown):
        await database.read("DELETE FROM things")


async def test_a_reader_sees_what_was_committed_before(opened) -> None:
    database = await opened()
    for number in range(50):
        await database.write(ADD, f"{number}", 1)
        assert await database.read(COUNT) == [(number + 1, number + 1)]


async def test_before_it_is_opened_and_after_it_is_closed_nothing_is_taken(tmp_path) -> None:
    database = SqliteDatabase(tmp_path / "payguard.db")

    async def refused() -> None:
        with pytest.raises(DatabaseDown):
            await database.write("CREATE TABLE things (id TEXT)")
        with pytest.raises(DatabaseDown):
            await database.read("SELECT 1")

    await refused()
    await database.open()
    assert database.opened
    await database.close()
    await refused()
    assert not database.opened
    await database.close()


async def test_closing_carries_out_what_was_handed_over(opened, tmp_path) -> None:
    database = await opened()
    written = [database.write(ADD, f"{number}", 1) for number in range(20)]
    await database.close()

    assert all(each.result() for each in written)
    assert sqlite3.connect(tmp_path / "payguard.db").execute(COUNT).fetchall() == [(20, 20)]


async def test_a_second_owner_of_the_file_is_refused_in_one_line(opened, tmp_path) -> None:
    first = await opened()
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


async def test_commits_are_durable_in_the_log(opened, tmp_path) -> None:
    await opened()
    reader = sqlite3.connect(tmp_path / "payguard.db")

    assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
