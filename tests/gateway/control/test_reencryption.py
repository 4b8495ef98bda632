from __future__ import annotations

import asyncio

import pytest

from gateway.control.reencryption import Reencryption, Walk
from gateway.crypto.key_checks import KeyChecks
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.references import References
from gateway.crypto.stored import Stored
from gateway.database.postgres import PostgresDatabase
from gateway.database.sqlite import SqliteDatabase
from gateway.ledger.bodies import STORED, Bodies
from tests.gateway.control.test_key_files import NEW, OLD, PAYMENT

BOTH = f"{NEW},{OLD}"
NUMBER = 230
"""Rows: three steps."""


@pytest.fixture(params=["sqlite", "postgres"])
def closed(request):
    if request.param == "sqlite":
        return SqliteDatabase(request.getfixturevalue("sqlite_path"))
    return PostgresDatabase(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def database(closed):
    await closed.open()
    keyring = LocalKeyring.parse(BOTH)
    await KeyChecks(closed, {"ENCRYPTION_KEY": keyring.check_values()}).compare()
    bodies = Bodies(LocalKeyring.parse(OLD), "shop")
    sealed = {f"p{number:03}": bodies.answer(f"p{number:03}", 200, [], b"body") for number in range(NUMBER)}
    await asyncio.gather(*(closed.write(PAYMENT, each, value) for each, value in sealed.items()))
    yield closed
    await closed.close()


async def walked(database, stored=STORED, tenant: str = "shop", keyring: LocalKeyring | None = None) -> Walk:
    """One gateway's walk, from what it finds to its end."""
    done = asyncio.get_running_loop().create_future()
    walk = Reencryption(
        database,
        stored,
        keyring or LocalKeyring.parse(BOTH),
        tenant=lambda: tenant,
        done=done.set_result,
        lease=0.2,
    )
    running = asyncio.create_task(walk.run(0.05))
    try:
        return await done
    finally:
        running.cancel()


async def asked(database) -> bool:
    return await Reencryption(database, STORED, None, tenant=lambda: "shop").ask("ada")


async def test_everything_is_sealed_anew_and_opens_where_it_did(database) -> None:
    assert await asked(database)
    assert not await asked(database)
    walk = await walked(database)

    assert (walk.moved, walk.unreadable, walk.asked_by) == (NUMBER, 0, "ada")
    assert await References(database, STORED).counts(["old", "new"]) == {
        "old": {},
        "new": {"payments.answer": NUMBER},
    }
    [[id_, answer]] = await database.read("SELECT id, answer FROM payments WHERE id = 'p007'")
    assert LocalKeyring.parse(NEW).open("ledger answer", answer, STORED[1].bound("shop", {"id": id_}))


async def test_another_gateway_goes_on_when_the_lease_of_one_that_is_gone_has_ended(database) -> None:
    await asked(database)
    first = Reencryption(database, STORED, LocalKeyring.parse(BOTH), tenant=lambda: "shop", lease=0.2)
    running = asyncio.create_task(first.run(0.05))
    while not ((last := await first.last()) and last.moved):  # noqa: ASYNC110 - another task works
        await asyncio.sleep(0)
    running.cancel()
    walk = await walked(database)

    assert walk.moved == NUMBER


async def test_a_newer_value_is_never_overwritten(database) -> None:
    await asked(database)
    newest = Bodies(LocalKeyring.parse(OLD), "shop").answer("p001", 200, [], b"newest")
    seen = STORED[1]

    def meanwhile(tenant, row) -> bytes:
        if row["id"] == "p001" and not writing:
            writing.append(database.write("UPDATE payments SET answer = $2 WHERE id = $1", "p001", newest))
        return seen.bound(tenant, row)

    writing: list[asyncio.Future] = []
    walk = await walked(database, [Stored(seen.table, seen.column, seen.purpose, meanwhile)])
    [[answer]] = await database.read("SELECT answer FROM payments WHERE id = 'p001'")

    assert walk.moved == NUMBER  # in the next pass
    assert b"newest" in LocalKeyring.parse(NEW).open("ledger answer", answer, seen.bound("shop", {"id": "p001"}))


async def test_what_does_not_open_is_counted_and_left_as_it_is(database) -> None:
    await asked(database)
    walk = await walked(database, tenant="another")

    assert (walk.moved, walk.unreadable) == (0, NUMBER)
    assert (await References(database, STORED).counts(["old"]))["old"] == {"payments.answer": NUMBER}
