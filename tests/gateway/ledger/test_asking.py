from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway.ledger.asking import Asking, Pace, Told, Watch
from gateway.ledger.records import Evidence, Record
from gateway.parts import Config, Resolver
from gateway.testing import record


class Bank(Resolver[Config]):
    name = "bank"

    def __init__(self, answer: Evidence | Exception | None, *, hangs: bool = False) -> None:
        self._answer = answer
        self._hangs = hangs
        self.asked = 0

    async def ask(self, _record: Record) -> Evidence | None:
        self.asked += 1
        if self._hangs:
            await asyncio.Event().wait()
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class Hand:
    """A clock and a sleep that the test counts."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def read(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


PAID = Evidence("bank", "succeeded", by_key=True)


def asking(told: Told | None = None, **options: Any) -> Asking:
    return Asking(Pace(options.pop("rate", 1e6)), options.pop("timeout", 10.0), told or Told(), **options)


@pytest.mark.parametrize("answer", ["paid", True, Evidence("bank", "maybe")], ids=["text", "bool", "no verdict"])  # type: ignore[arg-type]
async def test_what_is_no_evidence_is_none(answer) -> None:
    told = Told()
    [found] = await asking(told).ask(record(), [Bank(answer)], bool)

    assert (found.verdict, found.detail) == ("unknown", "could not be asked: TypeError")
    assert told.answers == {("bank", "failed"): 1}


async def test_the_traceback_of_one_who_is_away_is_logged_once() -> None:
    one = asking()
    with capture_logs() as logs:
        for _ in range(3):
            await one.ask(record(), [Bank(OSError("away"))], bool)

    assert [(each["error"], each["exc_info"] is not None) for each in logs] == [
        ("OSError: away", True),
        ("OSError: away", False),
        ("OSError: away", False),
    ]


async def test_each_is_asked_until_it_is_enough() -> None:
    banks = [Bank(None), Bank(PAID), Bank(PAID)]
    found = await asking().ask(record(), banks, bool)

    assert found == [PAID]
    assert [bank.asked for bank in banks] == [1, 1, 0]


async def test_one_that_cannot_be_asked_is_evidence_of_nothing_and_counted_apart() -> None:
    told = Told()
    found = await asking(told, timeout=0.02).ask(
        record(), [Bank(OSError("sk_live_1")), Bank(PAID, hangs=True), Bank(None), Bank(PAID)], lambda _: False
    )

    assert [(each.verdict, each.by_key) for each in found] == [("unknown", False)] * 2 + [("succeeded", True)]
    assert [each.detail for each in found[:2]] == [
        "could not be asked: OSError",
        "could not be asked: no answer within 0.02 s",
    ]
    kinds = ("failed", "timed_out", "nothing", "succeeded")
    assert told.answers == {("bank", kind): 1 for kind in kinds}
    assert told.seconds["bank"] >= 0.02


async def test_that_somebody_stops_waiting_is_no_answer() -> None:
    told = Told()
    asked = asyncio.create_task(asking(told).ask(record(), [Bank(PAID, hangs=True)], lambda _: False))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked

    assert not told.answers


async def test_questions_keep_their_pace() -> None:
    hand = Hand()
    paced = asking(rate=0.001, sleep=hand.sleep)
    await paced.ask(record(), [Bank(None), Bank(None)], lambda _: False)
    await paced.ask(record(), [Bank(None)], lambda _: False)

    assert hand.slept == [pytest.approx(1000, abs=1), pytest.approx(2000, abs=1)]


@given(st.floats(0.1, 1000), st.lists(st.floats(0, 10), min_size=1, max_size=30))
def test_turns_are_never_nearer_than_the_rate_allows(rate, gaps) -> None:
    pace, now, turns = Pace(rate), 0.0, []
    for gap in gaps:
        now += gap
        pause = pace.pause(now)
        assert pause >= 0
        turns.append(now + pause)

    assert all(later - earlier >= (1 / rate) * (1 - 1e-9) - 1e-9 for earlier, later in itertools.pairwise(turns))


def test_a_watch_counts_from_the_first_sight_of_an_owner() -> None:
    hand = Hand()
    watch = Watch(now=hand.read)
    assert watch.seconds(record(epoch=1)) == 0
    hand.now = 5.0
    assert watch.seconds(record(epoch=1)) == 5.0
    assert watch.seconds(record(epoch=2)) == 0, "somebody else may send it now"
    watch.forget(record().id)
    hand.now = 9.0
    assert watch.seconds(record(epoch=2)) == 0


def test_a_watch_forgets_the_first_where_there_are_too_many() -> None:
    hand = Hand()
    watch = Watch(most=2, now=hand.read)
    for name in "abc":
        watch.seconds(record(id=name))
    hand.now = 5.0

    assert [watch.seconds(record(id=name)) for name in "cba"] == [5.0, 5.0, 0]
