from __future__ import annotations

from asyncio import Future
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.crypto.key_checks import KeyChecks, WrongKey
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.salts import Salts
from gateway.database.postgres import PostgresDatabase
from gateway.database.protocol import Database, DatabaseDown, Row
from gateway.database.sqlite import SqliteDatabase

OLD, NEW = "00" * 32, "ff" * 32


@pytest.fixture(params=["sqlite", "postgres"])
def closed(request) -> Database:
    if request.param == "sqlite":
        return SqliteDatabase(request.getfixturevalue("sqlite_path"))
    return PostgresDatabase(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def database(closed) -> AsyncIterator[Database]:
    await closed.open()
    yield closed
    await closed.close()


def checks(database: Database, keys: str = OLD, salts: str = OLD) -> KeyChecks:
    values = {
        "ENCRYPTION_KEY": LocalKeyring.parse(keys).check_values(),
        "HASH_SALT": Salts.parse(salts).check_values(),
    }
    return KeyChecks(database, values)


async def test_keys_that_are_new_are_remembered_and_the_same_ones_are_well(database) -> None:
    await checks(database).compare()
    await checks(database).compare()

    known = await database.read("SELECT kind, id FROM key_checks ORDER BY kind")
    assert [tuple(row) for row in known] == [("ENCRYPTION_KEY", "1"), ("HASH_SALT", "1")]


async def test_another_key_under_a_known_id_is_told_in_one_line_that_holds_neither(database) -> None:
    await checks(database).compare()
    with pytest.raises(WrongKey) as wrong:
        await checks(database, keys=NEW).compare()

    [line] = wrong.value.lines
    assert line == (
        "ENCRYPTION_KEY: the one with the id 1 is not the one that this database knows; put that one back, or give the "
        "new one an id of its own before it: new:hex,1:hex"
    )


async def test_every_one_that_is_wrong_is_told(database) -> None:
    await checks(database).compare()
    with pytest.raises(WrongKey) as wrong:
        await checks(database, keys=NEW, salts=NEW).compare()

    assert [line.partition(":")[0] for line in wrong.value.lines] == ["ENCRYPTION_KEY", "HASH_SALT"]


async def test_a_rotation_is_well_and_so_is_the_way_back(database) -> None:
    await checks(database).compare()
    await checks(database, keys=f"new:{NEW},1:{OLD}").compare()
    await checks(database).compare()


class Behind:
    """A database as somebody sees it who looked before another wrote."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looked = False

    def write(self, statement: str, *values: Any, lock: bytes = b"") -> Future[list[Row]]:
        return self._database.write(statement, *values, lock=lock)

    async def read(self, statement: str, *values: Any) -> list[Row]:
        looked, self._looked = self._looked, True
        return await self._database.read(statement, *values) if looked else []


async def test_of_two_gateways_that_start_at_once_with_another_key_under_one_id_one_is_wrong(database) -> None:
    await checks(database).compare()
    with pytest.raises(WrongKey):
        await checks(Behind(database), keys=NEW).compare()


async def test_where_the_database_is_away_nobody_can_tell(tmp_path) -> None:
    with pytest.raises(DatabaseDown):
        await checks(SqliteDatabase(tmp_path / "ledger.sqlite")).compare()
