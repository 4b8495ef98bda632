"""Blocks in the database: what is kept, until when, and what is thrown away."""

from __future__ import annotations

import pytest

from gateway.database.opening import open_database, sqlite_url
from plugins.rate_limit.records import Records


@pytest.fixture(params=["sqlite", "postgres"])
def url(request) -> str:
    if request.param == "sqlite":
        return sqlite_url(request.getfixturevalue("sqlite_path"))
    return request.getfixturevalue("postgres_url")


@pytest.fixture
async def database(url):
    made = open_database(url)
    await made.open()
    yield made
    await made.close()


async def test_what_is_put_is_there_with_the_time_that_it_has_left(database) -> None:
    records = Records(database)
    await records.put("ip:1:ab", "ada", "scans", 60)
    [kept] = await records.live()

    assert (kept.id, kept.author, kept.reason) == ("ip:1:ab", "ada", "scans")
    assert 50 < kept.left <= 60
    assert kept.created_at > 1_600_000_000


async def test_putting_it_again_replaces_it(database) -> None:
    records = Records(database)
    await records.put("ip:1:ab", "ada", "scans", 60)
    await records.put("ip:1:ab", "eve", "again", 600)
    [kept] = await records.live()

    assert (kept.author, kept.reason) == ("eve", "again")
    assert kept.left > 500


async def test_what_has_ended_is_not_told_and_purged(database) -> None:
    records = Records(database)
    await records.put("ip:1:ab", "ada", "scans", -1)
    await records.put("ip:1:cd", "ada", "scans", 60)
    assert [each.id for each in await records.live()] == ["ip:1:cd"]
    await records.purge()

    assert [row[0] for row in await database.read("SELECT id FROM blocks")] == ["ip:1:cd"]


async def test_what_is_removed_is_gone(database) -> None:
    records = Records(database)
    await records.put("ip:1:ab", "ada", "scans", 60)
    await records.remove("ip:1:ab")

    assert await records.live() == []
