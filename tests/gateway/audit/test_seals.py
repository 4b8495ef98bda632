"""Seals: what is committed is sealed, and one that the database did not take is made again."""

from __future__ import annotations

import asyncio

from gateway.audit import statements as sql
from gateway.audit.entries import Seal
from gateway.audit.seals import Seals
from gateway.audit.signing import Sealer, Signer
from gateway.database.opening import open_database
from tests.gateway.audit.conftest import SIGNER
from tests.gateway.database.conftest import until

OLDER, NEWER = Signer(b"o" * 32), Signer(b"n" * 32)

KEPT = "SELECT seq, kind FROM audit_seals ORDER BY seq, kind"


def seals(database, told, **given) -> Seals:
    sealer = given.pop("sealer", Sealer([SIGNER]))
    options = {"every": 0.01, "count": 1000, **given}
    made = Seals(database, sealer, lambda: 1e9, lambda code, **_: told.append(code), **options)
    made.begin("w")
    return made


async def test_nothing_is_sealed_twice_and_nothing_where_there_is_nothing(database) -> None:
    told: list[str] = []
    made = seals(database, told)
    await made.end()
    looks: list[int] = []
    made.open(lambda: looks.append(1))
    made.reached(1, "one")
    await until(lambda: told)
    await until(lambda: len(looks) > 3)
    made.close()
    await made.end()

    assert [tuple(row) for row in await database.read(KEPT)] == [(1, "end"), (1, "seal")]
    assert told == ["audit_sealed", "audit_sealed"]


async def test_one_that_was_not_committed_is_not_told_of_and_made_again(url) -> None:
    told: list[str] = []
    database = open_database(url)
    made = seals(database, told)
    made.open(lambda: None)
    made.reached(1, "one")
    looked: list[int] = []
    made.close()
    made.open(lambda: looked.append(1))
    await until(lambda: len(looked) > 2)
    assert told == []
    await database.open()
    await until(lambda: told)
    made.close()

    assert [tuple(row) for row in await database.read(KEPT)] == [(1, "seal")]
    await database.close()


async def test_which_keys_sealed_before_is_said_once_also_after_a_rotation_and_when_the_database_is_back(url) -> None:
    sealer = Sealer([SIGNER, OLDER])
    database = open_database(url)
    made = seals(database, [], sealer=sealer)
    looked: list[int] = []
    made.open(lambda: looked.append(1))
    await until(lambda: len(looked) > 2)
    await database.open()

    async def said() -> set[tuple[str, str]]:
        return {(seal.key, seal.hash) for seal in (Seal(*row) for row in await database.read(sql.KEYS))}

    async def is_said(*wanted: tuple[Signer, Signer]) -> None:
        while await said() != {(one.public, other.public) for one, other in wanted}:  # noqa: ASYNC110 - a database is asked
            await asyncio.sleep(0.01)

    await is_said((SIGNER, OLDER))
    sealer.adopt([NEWER, SIGNER])
    await is_said((SIGNER, OLDER), (NEWER, SIGNER), (NEWER, OLDER))
    made.close()
    again = seals(database, [], sealer=Sealer([NEWER, SIGNER, OLDER]))
    again.open(lambda: None)
    again.close()
    await is_said((SIGNER, OLDER), (NEWER, SIGNER), (NEWER, OLDER))
    await database.close()
