from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.crypto.key_checks import KeyChecks
from gateway.crypto.key_uses import BLOCK, BOUND, KeyUses
from gateway.crypto.keyring import LocalKeyring
from gateway.database.sqlite import SqliteDatabase
from gateway.errors import CannotSeal

KEYS = LocalKeyring.parse(f"a:{'00' * 32},b:{'ff' * 32}").check_values()


class Counting:
    """Uses in blocks of 4 under a bound of 16, and what was told of them."""

    def __init__(self, database: Any) -> None:
        self.told: list[str] = []
        self.filling: list[asyncio.Task[None]] = []
        self.uses = KeyUses(database, self._start, lambda code, **_: self.told.append(code), block=4, bound=16)
        self.keyring = LocalKeyring.parse(f"a:{'00' * 32}")

    def _start(self, work: Any) -> asyncio.Task[None]:
        self.filling.append(asyncio.create_task(work))
        return self.filling[-1]

    async def begin(self, key: str = "a") -> Counting:
        self.keyring.meter(self.uses.allowance(key))
        await self.uses.fill(key)
        return self

    async def seal(self, times: int) -> None:
        for _ in range(times):
            self.keyring.seal("request", b"", b"")
            await asyncio.gather(*self.filling)


@pytest.fixture
async def database(either_database):
    await KeyChecks(either_database, {"ENCRYPTION_KEY": KEYS}).compare()
    return either_database


async def counted(database) -> dict[str, int]:
    return dict(map(tuple, await database.read("SELECT id, uses FROM key_checks")))


def test_the_bound_is_that_of_random_nonces_and_a_block_is_a_small_part_of_it() -> None:
    assert (BOUND, BOUND // BLOCK) == (2**32, 2**16)


async def test_uses_are_counted_before_they_happen_and_a_crash_forgets_none(database) -> None:
    first = await Counting(database).begin()
    await first.seal(3)
    second = await Counting(database).begin()  # after a crash: it does not know what was left
    await second.seal(1)

    assert (await counted(database))["a"] == 12


async def test_gateways_on_one_database_share_the_bound_and_each_key_has_its_own(database) -> None:
    gateways = [await Counting(database).begin() for _ in range(2)]
    for each in gateways:
        await each.seal(4)
    other = await Counting(database).begin("b")

    assert await counted(database) == {"a": 16, "b": 4}
    assert other.uses.trouble is None


async def test_near_the_bound_it_is_told_and_at_it_nothing_is_sealed_until_another_key_comes(database) -> None:
    counting = await Counting(database).begin()
    await counting.seal(16)
    with pytest.raises(CannotSeal, match="as often as one key may be; a new one has to come before it"):
        await counting.seal(1)

    assert counting.told == ["key_nearly_spent", "key_spent"]
    assert counting.uses.trouble == "the key a has been used as often as it may be (16 of 16): payguard keys rotate"
    await counting.begin("b")
    await counting.seal(4)
    assert counting.uses.trouble is None


async def test_where_nobody_can_count_what_was_counted_is_used_and_no_more(sqlite_path) -> None:
    database = SqliteDatabase(sqlite_path)
    await database.open()
    await KeyChecks(database, {"ENCRYPTION_KEY": KEYS}).compare()
    counting = await Counting(database).begin()
    await database.close()
    await counting.seal(4)
    with pytest.raises(CannotSeal, match="cannot be counted while the database is away"):
        await counting.seal(1)
    again = SqliteDatabase(sqlite_path)
    await again.open()
    counting.uses._database = again  # it is the same one, back
    with pytest.raises(CannotSeal):
        await counting.seal(1)
    await asyncio.gather(*counting.filling)
    await counting.seal(1)
    await again.close()
