from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import asyncpg
import pytest

from chaos.proxy import Commits, Messages, Proxy
from tests.servers import Postgres


def message(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("!I", len(payload) + 4) + payload


START = message(b"", struct.pack("!I", 196608) + b"user\0a\0\0")
TLS = message(b"", struct.pack("!I", 80877103))


def test_messages_are_told_apart_however_they_arrive() -> None:
    said = TLS + START + message(b"Q", b"BEGIN;\0") + message(b"Q", b"COMMIT;\0")
    messages = Messages()

    heard = [each for at in range(len(said)) for each in messages.feed(said[at : at + 1])]

    assert [kind for kind, _ in heard] == [b"", b"", b"Q", b"Q"]


def prepared(statement: bytes) -> bytes:
    """As drivers execute one."""
    return (
        message(b"P", b"s1\0" + statement + b"\0\0\0")
        + message(b"B", b"\0s1\0\0\0\0\0\0\0")
        + message(b"E", b"\0\0\0\0\0")
        + message(b"S", b"")
    )


def query(text: bytes) -> bytes:
    return message(b"Q", text + b"\0")


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ([prepared(b"INSERT INTO t VALUES ($1)")], [1]),
        ([prepared(b" with a AS (SELECT 1) UPDATE t SET x = 1")], [1]),
        ([prepared(b"SELECT 1")], [0]),
        ([query(b"BEGIN"), prepared(b"UPDATE t SET x = 1"), query(b"COMMIT"), prepared(b"SELECT 1")], [0, 0, 1, 0]),
        ([query(b"BEGIN;"), prepared(b"UPDATE t SET x = 1"), query(b"ROLLBACK;"), query(b"COMMIT;")], [0, 0, 0, 0]),
        ([query(b"DELETE FROM t")], [1]),
    ],
    ids=["prepared", "with", "read", "transaction", "rolled back", "query"],
)
def test_it_sees_where_something_is_committed(said: list[bytes], ends: list[int]) -> None:
    commits = Commits()
    commits.feed(START)

    assert [commits.feed(each) for each in said] == ends


@pytest.fixture
async def proxy(postgres: Postgres) -> AsyncIterator[Proxy]:
    async with Proxy(("127.0.0.1", postgres.port), seed=1) as made:
        yield made


@pytest.fixture
async def name(postgres: Postgres) -> AsyncIterator[str]:
    made = await postgres.create()
    await postgres.run("CREATE TABLE t (x int)", database=made)
    yield made
    await postgres.drop(made)


async def connect(postgres: Postgres, proxy: Proxy, name: str) -> asyncpg.Connection[asyncpg.Record]:
    made: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
        f"postgresql://payguard:{postgres.password}@127.0.0.1:{proxy.port}/{name}", ssl=False
    )
    return made


async def insert(connection: asyncpg.Connection[asyncpg.Record], value: int) -> None:
    async with connection.transaction():
        await connection.execute("INSERT INTO t VALUES ($1)", value)


async def test_what_goes_through_it_arrives(postgres: Postgres, proxy: Proxy, name: str) -> None:
    connection = await connect(postgres, proxy, name)
    await insert(connection, 1)
    await connection.close()

    assert await postgres.run("SELECT x FROM t", database=name) == [(1,)]


async def test_a_lost_commit_took_effect_or_not_and_nobody_was_told(
    postgres: Postgres, proxy: Proxy, name: str
) -> None:
    proxy.lose(1.0)
    for value in range(12):
        connection = await connect(postgres, proxy, name)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await insert(connection, value)
        connection.terminate()

    [(kept,)] = await postgres.run("SELECT count(*) FROM t", database=name)
    assert 0 < kept < 12
    assert proxy.lost == 12


async def test_replies_that_are_held_back_come_later(postgres: Postgres, proxy: Proxy, name: str) -> None:
    connection = await connect(postgres, proxy, name)
    proxy.stall()
    inserting = asyncio.create_task(insert(connection, 1))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(inserting), 0.05)

    proxy.flow()
    await inserting
    await connection.close()
