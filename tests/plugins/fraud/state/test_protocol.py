"""The contract: every keeper of state says the same of the same payments."""

from __future__ import annotations

import random

import pytest

from gateway.store.memory import MemoryStore
from gateway.store.redis import RedisStore
from plugins.fraud.event import KINDS, Event
from plugins.fraud.features import CODES, features
from plugins.fraud.records import NEVER
from plugins.fraud.state.memory import MemoryState
from plugins.fraud.state.protocol import State
from plugins.fraud.state.shared import SharedState
from plugins.fraud.tallies import UNLABELLED
from tests.plugins.fraud.conftest import NOON, event


class Apart(MemoryStore):
    """A store that, as a cluster does, takes only keys together that have the same braces."""

    together = False

    async def run(self, procedure, keys, arguments):
        assert len({key[key.index("{") : key.index("}")] for key in keys}) == 1
        return await super().run(procedure, keys, arguments)


@pytest.fixture(params=["memory", "store in memory", "keys apart", "redis"])
async def state(request, valkey):
    if request.param == "memory":
        yield MemoryState()
    elif request.param == "store in memory":
        yield SharedState(MemoryStore())
    elif request.param == "keys apart":
        yield SharedState(Apart())
    else:
        store = RedisStore(valkey.url, timeout=1.0)
        await store.open()
        for key, _, _ in await store.scan(""):
            await store.remove(key)
        yield SharedState(store)
        await store.close()


async def seen(state: State, asked: Event) -> dict[str, float]:
    return dict(zip(CODES, features(asked, await state.observe(asked)), strict=True))


async def test_of_keys_never_seen_nothing_is_known(state) -> None:
    views = await state.observe(event(customer="c1", ip="i1"))

    assert views.seen == (NEVER,) * len(KINDS)
    assert views.labelled == (UNLABELLED,) * 5


async def test_a_payment_is_known_to_those_after_it_and_not_to_itself(state) -> None:
    first = await seen(state, event(1, customer="c1", card="k1"))
    second = await seen(state, event(2, NOON + 60, customer="c1", card="k1"))

    assert (first["customer_count_1d"], first["customer_sum_1d"]) == (0, 0)
    assert second["customer_count_1d"] == pytest.approx(1, abs=0.01)
    assert second["card_sum_30d"] == pytest.approx(10, abs=0.01)
    assert second["customer_gap_hours"] == pytest.approx(1 / 60)


async def test_a_day_is_nearly_forgotten_after_a_week(state) -> None:
    await state.observe(event(1, customer="c1"))

    later = await seen(state, event(2, NOON + 7 * 86400, customer="c1"))

    assert later["customer_count_1d"] < 0.001
    assert 0.3 < later["customer_count_7d"] < 0.4
    assert later["account_age_days"] == pytest.approx(7)


async def test_amounts_of_two_currencies_are_never_added(state) -> None:
    await state.observe(event(1, customer="c1", currency="eur", amount=1_000))
    await state.observe(event(2, customer="c1", currency="jpy", amount=5_000))

    euro = await seen(state, event(3, customer="c1", currency="eur"))
    yen = await seen(state, event(4, customer="c1", currency="jpy"))

    assert (euro["customer_count_1d"], euro["customer_sum_1d"], euro["customer_usual"]) == (2, 10, 10)
    assert (yen["customer_count_1d"], yen["customer_sum_1d"], yen["customer_usual"]) == (3, 5_000, 5_000)
    assert (euro["currency_mismatch"], yen["currency_mismatch"]) == (0, 1)


async def test_different_cards_of_a_device_are_counted_once_each(state) -> None:
    for number, card in enumerate(["card-a", "card-b", "card-a", "card-c"]):
        await state.observe(event(number, device="d1", card=card))

    assert (await seen(state, event(9, device="d1", card="card-a")))["cards_per_device"] == 3


async def test_declines_in_a_row_end_with_an_approval(state) -> None:
    paid = event(1, card="k1", ip="i1")
    await state.observe(paid)
    await state.answered(paid.keys, declined=True)
    await state.answered(paid.keys, declined=True)

    assert (await seen(state, event(2, card="k1", ip="i1")))["card_declines"] == 2
    await state.answered(paid.keys, declined=False)
    assert (await seen(state, event(3, card="k1", ip="i1")))["ip_declines"] == 0


async def test_labels_make_a_share_of_fraud(state) -> None:
    paid = event(1, merchant="m1", bin="411111")
    await state.count(paid.keys, NOON, frauds=1, payments=1)
    await state.count(paid.keys, NOON + 60, frauds=0, payments=1)

    known = await seen(state, event(2, NOON + 86400, merchant="m1"))

    assert 0.1 < known["merchant_fraud_30d"] < 0.5
    assert known["merchant_fraud_days"] == pytest.approx(1)
    assert known["bin_fraud_30d"] == UNLABELLED[2]


async def test_a_late_payment_counts_as_of_the_last_instant(state) -> None:
    await state.observe(event(1, NOON, customer="c1"))
    await state.observe(event(2, NOON - 3600, customer="c1"))

    assert (await seen(state, event(3, NOON, customer="c1")))["customer_count_1h"] == 2


async def test_any_sequence_leaves_what_memory_would_know(state) -> None:
    rng, expected, at = random.Random(6), MemoryState(), NOON
    for number in range(150):
        at += rng.choice([-5, 0, 1, 60, 3600, 90_000])
        keys = {kind: f"{kind}-{rng.randrange(3)}-{rng.randrange(2):06}" for kind in KINDS if rng.random() < 0.7}
        paid = event(number, at, **keys, amount=rng.choice([None, 0, 995, 12_345]), currency=rng.choice(["eur", "usd"]))
        views = await state.observe(paid)
        for mine, theirs in zip(views, expected.look(paid), strict=True):
            for one, other in zip(mine, theirs, strict=True):
                assert one == pytest.approx(other, rel=1e-6, abs=1e-4)
        for each in (state, expected):
            await each.answered(paid.keys, declined=number % 3 == 0)
            await each.count(paid.keys, at, frauds=int(number % 5 == 0), payments=1)
