"""Two gateways on one store see each other's payments, in one round trip each."""

from __future__ import annotations

import pytest

from gateway import StoreDown
from gateway.store.memory import MemoryStore
from gateway.store.redis import RedisStore
from plugins.fraud.event import KINDS
from plugins.fraud.state.shared import SharedState
from tests.plugins.fraud.conftest import event

ALL = {kind: f"{kind}-000001" for kind in KINDS}


@pytest.fixture
async def two(valkey):
    stores = RedisStore(valkey.url, timeout=1.0), RedisStore(valkey.url, timeout=1.0)
    for store in stores:
        await store.open()
    yield stores
    for store in stores:
        await store.close()


async def test_what_one_gateway_saw_the_other_knows(two) -> None:
    one, other = map(SharedState, two)
    await one.observe(event(1, customer="shared"))

    assert (await other.observe(event(2, customer="shared"))).seen[0][2] == 1


async def test_a_payment_with_every_key_is_one_call_of_the_store(two) -> None:
    state = SharedState(two[0])
    await state.observe(event(1, **ALL))
    before = two[0].stats()["calls_total"]

    await state.observe(event(2, **ALL))

    assert two[0].stats()["calls_total"] == before + 1


async def test_a_payment_without_keys_asks_nothing() -> None:
    store = MemoryStore()
    await SharedState(store).observe(event())

    assert store.stats()["calls_total"] == 0


async def test_a_store_that_is_away_is_said_to_be_down() -> None:
    store = RedisStore("redis://127.0.0.1:1", timeout=0.05)
    await store.open()
    with pytest.raises(StoreDown):
        await SharedState(store).observe(event(customer="c1"))
    await store.close()
