"""Labels and what is due, over real databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway import Database, payment_id
from plugins.fraud.decision import Decision
from plugins.fraud.event import Event, Keys
from plugins.fraud.features import CODES
from plugins.fraud.feedback import Feedback
from plugins.fraud.kept import Decisions
from plugins.fraud.labels import Label
from plugins.fraud.state.memory import MemoryState
from tests.plugins.fraud.conftest import BOTH, NOON

pytestmark = BOTH

DAY = 86400.0
NOW = 4e9
"""Later than any id that is made now."""


class Told(MemoryState):
    """A state that remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[tuple[int, int]] = []

    async def count(self, keys: Keys, at: float, *, frauds: int, payments: int) -> None:
        self.counts.append((frauds, payments))
        await super().count(keys, at, frauds=frauds, payments=payments)


class Books:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.kept = Decisions(lambda: database, pytest.fail)
        self.enforce, self.shadow = Told(), Told()
        states = {"enforce": self.enforce, "shadow": self.shadow}
        self.feedback = Feedback(lambda: database, self.kept, states.__getitem__, DAY)

    async def scored(self, payment: str | None, mode: str = "enforce", kind: Any = "allow") -> None:
        event = Event(payment_id(), NOON, card="1:ab")
        self.kept.keep(
            event,
            Decision(kind, 5, "score", ()),
            [0.0] * len(CODES),
            payment=payment,
            request_id="r",
            route="pay",
            mode=mode,
            model="points:0",
            policy="p",
        )
        await self.database.write("DELETE FROM fraud_labels WHERE 1 = 0")  # committed with what was handed over

    async def says(self, payment: str, *, fraud: bool) -> str:
        return await self.feedback.label(Label(payment, fraud, "bank", NOON), "human:ann")


@pytest.fixture
async def books(database: Database) -> AsyncIterator[Books]:
    return Books(database)


async def test_a_label_counts_once_however_often_it_is_told(books: Books) -> None:
    await books.scored("p1")

    assert [await books.says("p1", fraud=True) for _ in range(3)] == ["stored", "known", "known"]
    assert books.enforce.counts == [(1, 1)]


async def test_the_decision_s_id_names_its_payment_and_stands_for_one_that_has_no_record(books: Books) -> None:
    await books.scored("p1")
    [recorded] = await books.kept.page(1, None)
    assert [await books.says(each, fraud=True) for each in (recorded.id, "p1")] == ["stored", "known"]
    await books.scored(None)
    [alone] = await books.kept.page(1, None)
    assert (alone.payment, await books.says(alone.id, fraud=True)) == (None, "stored")
    assert [each.fraud for each in await books.kept.page(2, None)] == [1, 1]
    assert books.enforce.counts == [(1, 1)] * 2


async def test_one_that_is_taken_back_is_one_fraud_fewer(books: Books) -> None:
    await books.scored("p1")
    await books.says("p1", fraud=True)

    assert await books.says("p1", fraud=False) == "changed"
    assert books.enforce.counts == [(1, 1), (-1, 0)]


async def test_what_nobody_labels_is_legitimate_when_its_label_is_due_and_not_before(books: Books) -> None:
    for name in ("p1", "p2"):
        await books.scored(name, kind="review")
    await books.says("p2", fraud=True)

    assert await books.feedback.mature(0.0) == 0
    assert await books.feedback.mature(NOW) == 2
    assert await books.feedback.mature(NOW) == 0
    assert books.enforce.counts == [(1, 1), (0, 1)]
    assert books.feedback.matured == {("enforce", "review", "fraud"): 1, ("enforce", "review", "legitimate"): 1}


async def test_a_fraud_that_is_told_after_that_is_still_counted(books: Books) -> None:
    await books.scored("p1")
    await books.feedback.mature(NOW)
    await books.says("p1", fraud=True)

    assert books.enforce.counts == [(0, 1), (1, 0)]
    assert books.feedback.matured == {("enforce", "allow", "fraud"): 1, ("enforce", "allow", "legitimate"): 0}


async def test_what_was_scored_in_shadow_counts_there(books: Books) -> None:
    await books.scored("p1", "shadow")
    await books.says("p1", fraud=True)

    assert (books.shadow.counts, books.enforce.counts) == ([(1, 1)], [])


async def test_of_two_gateways_one_counts_what_is_due(database: Database) -> None:
    one, two = Books(database), Books(database)
    for number in range(7):
        await one.scored(f"p{number}")
    done = await asyncio.gather(one.feedback.mature(NOW), two.feedback.mature(NOW))

    assert sum(done) == 7
    assert len(one.enforce.counts) + len(two.enforce.counts) == 7


async def test_labels_go_with_the_time(books: Books) -> None:
    await books.says("p1", fraud=True)
    await books.feedback.purge(DAY)
    assert await books.says("p1", fraud=True) == "known"
    await books.feedback.purge(-DAY)
    assert await books.says("p1", fraud=True) == "stored"
