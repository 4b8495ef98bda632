"""The hand-off: batches of a turn, outcomes, and who does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from gateway.database.handoff import (
    CALM,
    GATHERING,
    LONGEST_GATHERING,
    MANY,
    MOST_IN_GROUP,
    Batch,
    Group,
    Handoff,
    down,
)
from gateway.database.protocol import DatabaseDown


class Giving:
    """A hand-off whose batches a test settles."""

    def __init__(self, **options: float) -> None:
        self.batches: list[Batch] = []
        self.handoff = Handoff(self.batches.append, **options)  # type: ignore[arg-type]
        self.handoff.open(asyncio.get_running_loop())

    def write(self, *values: object, lock: bytes = b"") -> asyncio.Future[list[object]]:
        return self.handoff.write("SAY $1", values, lock)  # type: ignore[return-value]

    def settle(self, *outcomes: object, seconds: float = 0.0) -> None:
        """All batches that were given, as one group."""
        units = [unit for batch in self.batches for unit in batch]
        self.batches.clear()
        self.handoff.settle(Group(units, outcomes, seconds))  # type: ignore[arg-type]


async def turn() -> None:
    await asyncio.sleep(0)


async def test_what_is_written_in_a_turn_is_one_batch() -> None:
    giving = Giving()
    giving.write("a")
    giving.write("b", lock=b"x")
    assert giving.batches == []
    await turn()
    giving.write("c")
    await turn()

    said = [[(values, lock) for _, _, values, lock in batch] for batch in giving.batches]
    assert said == [[(("a",), b""), (("b",), b"x")], [(("c",), b"")]]


async def test_a_batch_has_a_bound() -> None:
    giving = Giving()
    for _ in range(MOST_IN_GROUP + 1):
        giving.write("a")
    await turn()

    assert [len(batch) for batch in giving.batches] == [MOST_IN_GROUP, 1]


async def test_each_who_waits_is_told_its_own() -> None:
    giving = Giving()
    waiting = [giving.write(each) for each in "abcd"]
    waiting[1].cancel()
    await turn()
    giving.settle([("a",)], [("b",)], ValueError("no"), [])

    assert waiting[0].result() == [("a",)]
    assert waiting[1].cancelled()
    with pytest.raises(ValueError, match="no"):
        waiting[2].result()
    assert waiting[3].result() == []
    assert (giving.handoff.commits, giving.handoff.statements, giving.handoff.failures) == (1, 4, 1)


async def test_a_group_that_is_not_committed_is_trouble_until_one_is() -> None:
    giving = Giving()
    with capture_logs() as said:
        for outcome in (down("no room"), down("no room"), [("a",)], []):
            waiting = giving.write("a")
            await turn()
            giving.settle(outcome)
            waiting.exception()
            assert giving.handoff.trouble == ("no room" if isinstance(outcome, DatabaseDown) else None)

    assert [each["event"] for each in said] == ["statements are not committed", "statements are committed again"]
    assert (giving.handoff.commits, giving.handoff.failures) == (2, 2)


@dataclass
class Timer:
    at: float
    call: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class Timers:
    """The running loop, with a time that a test lets pass."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._now = 0.0
        self._due: list[Timer] = []
        self.create_future = self._loop.create_future
        self.call_soon = self._loop.call_soon

    def time(self) -> float:
        return self._now

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        timer = Timer(self._now + delay, call)
        self._due.append(timer)
        return timer

    async def passes(self, seconds: float) -> None:
        await turn()
        self._now += seconds
        due, self._due = self._due, []
        for timer in due:
            if timer.at > self._now:
                self._due.append(timer)
            elif not timer.cancelled:
                timer.call()


@pytest.fixture
async def timers() -> Timers:
    return Timers()


@pytest.fixture
async def patient(timers: Timers) -> Giving:
    """One whose statements wait for ten seconds, by those timers."""
    giving = Giving(patience=10.0)
    giving.handoff.open(timers)  # type: ignore[arg-type]
    return giving


async def test_who_gets_no_answer_is_told_and_nobody_waits_in_vain_again(patient, timers) -> None:
    late = patient.write("a")
    await timers.passes(9.9)
    assert not late.done()
    await timers.passes(0.1)
    with pytest.raises(DatabaseDown) as told:
        late.result()
    assert str(told.value.__cause__) == "no answer within 10 s"

    refused = patient.write("b")
    assert isinstance(refused.exception(), DatabaseDown)

    patient.settle([("a",)])
    assert patient.handoff.trouble is None
    assert not patient.write("c").done()


async def test_a_group_that_changed_nothing_is_no_sign_that_there_is_room_again(patient, timers) -> None:
    async def settled(outcome: object) -> str | None:
        waiting = patient.write("a")
        await turn()
        patient.settle(outcome)
        waiting.exception()
        return patient.handoff.trouble

    with capture_logs() as said:
        assert await settled(down("disk is full")) == "disk is full"
        assert await settled([]) == "disk is full"
        await timers.passes(CALM)
        assert await settled([]) is None

    assert [each["event"] for each in said] == ["statements are not committed", "statements are committed again"]


async def test_what_came_later_has_its_own_time(patient, timers) -> None:
    first = patient.write("a")
    await timers.passes(6.0)
    second = patient.write("b")

    await timers.passes(4.0)
    assert (first.done(), second.done()) == (True, False)
    await timers.passes(6.0)
    assert second.done()
    assert [first.exception(), second.exception()] != [None, None]


async def test_what_is_settled_in_time_is_not_late(patient, timers) -> None:
    for _ in range(5):
        waiting = patient.write("a")
        await timers.passes(6.0)
        patient.settle([])
        assert waiting.result() == []
    assert patient.handoff.trouble is None


async def test_more_than_may_wait_is_refused() -> None:
    giving = Giving(most=2)
    waiting = [giving.write("a") for _ in range(3)]

    assert [each.done() for each in waiting] == [False, False, True]
    assert str(waiting[2].exception().__cause__) == "2 statements wait already"  # type: ignore[union-attr]
    await turn()
    giving.settle([], [])
    assert not giving.write("a").done()


async def test_while_it_is_paused_nothing_is_taken_and_what_was_is_given_on() -> None:
    giving = Giving()
    taken = giving.write("a")
    giving.handoff.pause("it is away")
    assert len(giving.batches) == 1
    refused = giving.write("b")
    assert str(refused.exception().__cause__) == "it is away"  # type: ignore[union-attr]

    giving.settle([])
    assert taken.result() == []
    assert giving.handoff.trouble == "it is away"

    giving.handoff.open(asyncio.get_running_loop())
    assert giving.handoff.trouble is None
    assert not giving.write("c").done()


async def test_a_slow_group_is_logged_and_counted() -> None:
    giving = Giving(slow=0.5)
    for seconds in (0.4, 0.6):
        giving.write("a")
        await turn()
        with capture_logs() as said:
            giving.settle([], seconds=seconds)

    assert giving.handoff.slow == 1
    assert said == [
        {"event": "a group was slow", "log_level": "warning", "seconds": 0.6, "statements": 1, "first": ["SAY $1"]}
    ]
    assert giving.handoff.seconds == pytest.approx(1.0)


async def test_a_slow_read_is_logged_and_counted_without_its_values() -> None:
    giving = Giving(slow=0.5)
    with capture_logs() as said:
        giving.handoff.read("SELECT 1", 0.4)
        giving.handoff.read("\nSELECT 2\nFROM things", 0.6)

    assert giving.handoff.slow == 1
    assert said == [{"event": "a statement was slow", "log_level": "warning", "seconds": 0.6, "statement": "SELECT 2"}]


async def test_before_it_is_opened_nothing_is_taken() -> None:
    handoff = Handoff(lambda _: None)
    assert str(handoff.write("SAY", (), b"").exception().__cause__) == "it has not been opened"  # type: ignore[union-attr]


def gathering(patient: Giving, told: int, took: float = 0.0) -> list[str]:
    """What a writer is told that asks when to begin its next group."""
    heard: list[str] = []
    units: Batch = [(asyncio.Future(), "SAY $1", (), b"")] * told
    patient.handoff.gather(Group(units, [[]] * told, took), lambda: heard.append("begin"))
    return heard


async def test_who_has_told_many_begins_once_they_have_written_again(patient, timers) -> None:
    patient.write("waits already")
    heard = gathering(patient, MANY)
    for number in range(MANY):
        assert heard == []
        patient.write(number)
        await turn()
    assert heard == ["begin"]

    await timers.passes(GATHERING)
    assert heard == ["begin"]


@pytest.mark.parametrize(
    ("took", "most"),
    [(0.0005, GATHERING), (2 * GATHERING, 2 * GATHERING), (1.0, LONGEST_GATHERING)],
    ids=["quick", "slow", "very slow"],
)
async def test_who_has_told_many_waits_no_longer_than_they_had_to(patient, timers, took, most) -> None:
    heard = gathering(patient, MANY, took)
    patient.write("a")
    await timers.passes(most / 2)
    assert heard == []
    await timers.passes(most / 2)
    assert heard == ["begin"]


async def test_who_has_told_few_begins_at_once(patient) -> None:
    assert gathering(patient, MANY - 1) == ["begin"]


async def test_who_takes_none_any_more_begins_what_is_there(patient) -> None:
    heard = gathering(patient, MANY)
    patient.handoff.pause("it is closed")
    assert heard == ["begin"]
