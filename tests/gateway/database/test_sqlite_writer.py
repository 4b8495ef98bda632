"""The writer of a SQLite file: groups, who waits for what, and what it makes of trouble."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.database import sqlite_writer
from gateway.database.handoff import Batch, Group
from gateway.database.protocol import DatabaseDown
from gateway.database.sqlite_file import connect
from gateway.database.sqlite_writer import MOST_AT_ONCE, SqliteWriter

ADD = "INSERT INTO things (id, data) VALUES ($1, $2) RETURNING $1"


class Writing:
    """A writer of a file of few pages, and the groups that it has done."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.made = 0
        self.groups: asyncio.Queue[Group] = asyncio.Queue()
        self.writer = SqliteWriter(self.connect)
        first = self.connect()
        first.execute("CREATE TABLE things (id TEXT PRIMARY KEY, data BLOB)")
        self.writer.start(first, self.groups.put_nowait)

    def connect(self) -> sqlite3.Connection:
        self.made += 1
        return connect(self.path, cache=1024, pages=40, waits=False)

    def put(self, *values: object, size: int = 0) -> None:
        self.writer.put([(asyncio.Future(), ADD, (each, bytes(size)), b"") for each in values])

    async def done(self) -> list[type]:
        return [type(each) for each in (await self.groups.get()).outcomes]

    def rows(self) -> int:
        reader = sqlite3.connect(self.path)
        [[count]] = reader.execute("SELECT count(*) FROM things").fetchall()
        reader.close()
        return int(count)


@pytest.fixture
async def writing(tmp_path: Path) -> AsyncIterator[Writing]:
    made = Writing(tmp_path / "a.db")
    yield made
    await made.writer.stop(5.0)


@pytest.fixture
def blocker(writing: Writing) -> sqlite3.Connection:
    """Somebody who writes to the file, until it rolls back."""
    made = sqlite3.connect(writing.path, isolation_level=None)
    made.execute("BEGIN IMMEDIATE")
    return made


async def test_what_waits_while_a_group_is_committed_is_the_next_up_to_a_bound(writing) -> None:
    writing.put("first")
    for number in range(3):
        writing.put(*(f"{number}-{each}" for each in range(MOST_AT_ONCE - 1)))

    groups = [await writing.groups.get() for _ in range(3)]
    assert [len(group.units) for group in groups] == [1, 2 * MOST_AT_ONCE - 2, MOST_AT_ONCE - 1]
    assert writing.rows() == 3 * MOST_AT_ONCE - 2


async def test_one_that_is_refused_fails_alone(writing) -> None:
    writing.put("a", "a", object(), "b")
    assert await writing.done() == [list, ValueError, ValueError, list]
    assert writing.rows() == 2
    assert writing.made == 1


async def test_one_for_which_there_is_no_room_fails_alone(writing) -> None:
    small: Batch = [(asyncio.Future(), ADD, (each, b""), b"") for each in ("a", "b")]
    writing.writer.put([small[0], (asyncio.Future(), ADD, ("large", bytes(1 << 20)), b""), small[1]])
    assert await writing.done() == [list, DatabaseDown, list]
    assert writing.rows() == 2

    writing.put("c")
    assert await writing.done() == [list]
    assert writing.made == 1


async def test_the_loop_does_not_wait_for_whoever_has_the_file(writing, blocker) -> None:
    writing.put("a", "b")  # it would not return
    assert writing.groups.empty()

    blocker.execute("ROLLBACK")
    assert await writing.done() == [list, list]
    assert writing.rows() == 2


async def test_who_keeps_the_file_for_too_long_fails_the_group(writing, blocker, monkeypatch) -> None:
    monkeypatch.setattr(sqlite_writer, "begin", brief(sqlite_writer.begin))
    writing.put("a", "b")
    assert await writing.done() == [DatabaseDown, DatabaseDown]

    blocker.execute("ROLLBACK")
    writing.put("c")
    assert await writing.done() == [list]
    assert (writing.made, writing.rows()) == (2, 1)


def brief(begin: Callable[..., bool]) -> Callable[..., bool]:
    return lambda cursor, within=0.001: begin(cursor, within)


async def test_after_a_group_that_was_not_quick_the_thread_carries_out_the_next(writing, monkeypatch) -> None:
    asked: list[float] = []
    monkeypatch.setattr(sqlite_writer, "begin", telling(asked, sqlite_writer.begin))
    monkeypatch.setattr(sqlite_writer, "QUICK", -1.0)
    monkeypatch.setattr(sqlite_writer, "SLOW_FOR", 60.0)
    for name in "ab":
        writing.put(name)
        assert await writing.done() == [list]

    assert asked == [0.0, -1.0]  # the second waits for the file as long as it takes


def telling(asked: list[float], begin: Callable[..., bool]) -> Callable[..., bool]:
    def told(cursor: sqlite3.Cursor, within: float = -1.0) -> bool:
        asked.append(within)
        return begin(cursor, abs(within))

    return told


async def test_a_bug_fails_the_group_and_not_the_thread(writing) -> None:
    with capture_logs() as said:
        writing.writer.put([(asyncio.Future(), None, ("a", b""), b"")])  # type: ignore[list-item]
        assert await writing.done() == [DatabaseDown]
    assert said[0]["event"] == "the writer failed"
    writing.put("b")
    assert await writing.done() == [list]
    assert writing.made == 2


async def test_stopping_carries_out_what_was_put(writing) -> None:
    for number in range(20):
        writing.put(f"{number}")
    assert await writing.writer.stop(5.0)
    assert writing.rows() == 20
    assert await writing.writer.stop(5.0)


async def test_one_that_does_not_stop_in_time_is_left_behind(writing, blocker) -> None:
    writing.put("a")
    assert not await writing.writer.stop(0.01)
    blocker.execute("ROLLBACK")
    assert await writing.done() == [list]
