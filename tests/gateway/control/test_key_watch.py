from __future__ import annotations

from typing import Any

import pytest

from gateway.control.key_watch import KeyWatch, LocalKeys
from gateway.control.start import BadStart
from gateway.crypto.key_uses import KeyUses
from gateway.crypto.keyring import Allowance, LocalKeyring
from gateway.crypto.references import References
from gateway.crypto.salts import Salts
from gateway.database.sqlite import SqliteDatabase
from gateway.ledger.bodies import STORED, Bodies
from tests.gateway.control.test_key_files import PAYMENT

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


class Rotating(LocalKeyring):
    """A plugin's: it fetches other keys by itself."""


async def test_a_plugins_keyring_that_has_other_keys_is_compared_again(database) -> None:
    keyring = Rotating.parse(OLD)
    watch = KeyWatch(database, keyring, Salts.parse(OLD))
    await database.open()
    await watch.at_start()
    keyring.adopt(LocalKeyring.parse(f"2:{NEW},1:{OLD}"), "2", Allowance(1))
    assert await watch.check().run() == "those that the database knows"
    keyring.adopt(LocalKeyring.parse(f"2:{OLD}"), "2", Allowance(1))
    with pytest.raises(RuntimeError, match="the one with the id 2 is not the one"):
        await watch.check().run()


@pytest.mark.parametrize("before", [100, 1], ids=["long", "shortly"])
async def test_a_new_key_and_salt_are_used_once_they_are_known_for_the_delay(database, before) -> None:
    await database.open()
    both = LocalKeyring.parse(f"new:{NEW},1:{OLD}")
    salts = Salts.parse(f"new:{NEW},1:{OLD}")
    local = LocalKeys(both, KeyUses(database, lambda work: work.close()))
    await database.write("UPDATE key_checks SET since = since - $1", before)
    watch = KeyWatch(database, both, salts, local=local, delay=60.0)
    await watch.at_start()
    assert (both.first, salts.ids) == ("1", ("1", "new"))

    await database.write("UPDATE key_checks SET since = since - 100")
    await watch.check().run()
    assert (both.first, salts.ids) == ("new", ("new", "1"))
    assert both.key_of(both.seal("request", b"", b"")) == "new"


async def test_without_a_key_that_something_needs_a_gateway_does_not_start(database) -> None:
    await database.open()
    sealed = Bodies(LocalKeyring.parse(OLD), "shop").answer("p1", 200, [], b"kept")
    await database.write(PAYMENT, "p1", sealed)
    for keyring in (None, LocalKeyring.parse(f"2:{NEW}")):
        watch = KeyWatch(database, keyring, Salts.parse(OLD), references=References(database, STORED))
        with pytest.raises(BadStart, match="the key 1 is missing, and 1 stored values need it"):
            await watch.at_start()

    await database.write("DELETE FROM payments")
    await watch.at_start()
    [retired] = [each.id for each in await watch.known.all() if each.retired_at is not None]
    assert retired == "1"
