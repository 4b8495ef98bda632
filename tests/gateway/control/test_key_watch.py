from __future__ import annotations

from typing import Any

import pytest

from gateway.control.key_watch import KeyWatch
from gateway.control.start import BadStart
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.salts import Salts
from gateway.database.sqlite import SqliteDatabase

OLD, NEW = "00" * 32, "ff" * 32


@pytest.fixture
async def database(sqlite_path):
    """One that is not open yet, and whose keys are the old ones."""
    first = SqliteDatabase(sqlite_path)
    await first.open()
    await KeyWatch(first, LocalKeyring.parse(OLD), Salts.parse(OLD)).at_start()
    await first.close()
    made = SqliteDatabase(sqlite_path)
    yield made
    await made.close()


async def test_a_wrong_key_or_salt_is_a_bad_start_with_a_line_for_each(database) -> None:
    await database.open()
    with pytest.raises(BadStart) as bad:
        await KeyWatch(database, LocalKeyring.parse(NEW), Salts.parse(NEW)).at_start()

    assert [line.partition(":")[0] for line in bad.value.lines] == ["HASH_SALT", "ENCRYPTION_KEY"]


async def test_the_right_ones_are_well_and_a_missing_key_is_no_wrong_one(database) -> None:
    await database.open()
    for keyring in (LocalKeyring.parse(OLD), None):
        watch = KeyWatch(database, keyring, Salts.parse(OLD))
        await watch.at_start()
        assert await watch.check().run() == "those that the database knows"


async def test_where_the_database_is_away_at_start_it_is_compared_once_it_is_there(database) -> None:
    watch = KeyWatch(database, LocalKeyring.parse(OLD), Salts.parse(OLD))
    await watch.at_start()
    with pytest.raises(RuntimeError, match="not compared yet"):
        await watch.check().run()
    await database.open()

    assert await watch.check().run() == "those that the database knows"
    await database.close()
    assert await watch.check().run() == "those that the database knows"


async def test_a_wrong_key_that_is_found_later_fails_the_check_and_is_told_of_once(database) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    keyring = LocalKeyring.parse(NEW)
    watch = KeyWatch(database, keyring, Salts.parse(OLD), lambda code, **detail: told.append((code, detail)))
    await watch.at_start()
    await database.open()
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"^ENCRYPTION_KEY: the one with the id 1 is not the one"):
            await watch.check().run()

    [(code, detail)] = told
    assert (code, detail["severity"]) == ("wrong_key", "critical")


def test_it_keeps_a_gateway_from_being_ready_that_never_was(database) -> None:
    assert KeyWatch(database, None, Salts.parse(OLD)).check().readiness == "first"
