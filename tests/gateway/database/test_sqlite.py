"""The embedded database, on real files."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from gateway.database.protocol import DatabaseDown, Unfit
from gateway.database.sqlite import SqliteDatabase
from tests.gateway.database.conftest import ADD, COUNT


async def test_a_turn_of_very_many_is_several_groups(on_sqlite) -> None:
    database = await on_sqlite()
    before = database.stats()["commits_total"]

    await asyncio.gather(*(database.write(ADD, f"{number}", 1) for number in range(1100)))

    assert database.stats()["commits_total"] - before == 3
    assert await database.read(COUNT) == [(1100, 1100)]


async def test_the_clock_is_the_database_s(on_sqlite, monkeypatch) -> None:
    database = await on_sqlite()
    monkeypatch.setattr("time.time", lambda: 1234.5)

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
