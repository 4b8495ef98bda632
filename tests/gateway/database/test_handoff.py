"""The hand-off: batches of a turn, outcomes, and who does not answer."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from gateway.database.handoff import MOST_IN_GROUP, Batch, Group, Handoff, down
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
        for outcome in (down("no room"), down("no room"), [], []):
            waiting = giving.write("a")
            await turn()
            giving.settle(outcome)
            waiting.exception()
            assert giving.handoff.trouble == ("no room" if outcome else None)

    assert [each["event"] for each in said] == ["statements are not committed", "statements are committed again"]
    assert (giving.handoff.commits, giving.handoff.failures) == (2, 2)


async def test_who_gets_no_answer_is_told_and_nobody_waits_in_vain_again() -> None:
    giving = Giving(patience=0.02)
    late = giving.write("a")
    with pytest.raises(DatabaseDown) as told:
        await late
    assert str(told.value.__cause__) == "no answer within 0.02 s"

    refused = giving.write("b")
    assert refused.done()
    assert isinstance(refused.exception(), DatabaseDown)

    giving.settle([("a",)])
    assert giving.handoff.trouble is None
    assert not giving.write("c").done()


async def test_what_came_later_has_its_own_time() -> None:
    giving = Giving(patience=0.05)
    loop = asyncio.get_running_loop()
    began = loop.time()
    times: list[float] = []
    waiting = []
    for _ in range(2):
        future = giving.write("a")
        future.add_done_callback(lambda each: (times.append(loop.time()), each.exception()))
        waiting.append(future)
        await asyncio.wait([future], timeout=0.03)

    await asyncio.gather(*waiting, return_exceptions=True)

    assert times[0] - began >= 0.05
    assert times[1] - times[0] > 0.01


async def test_what_is_settled_in_time_is_not_late() -> None:
    giving = Giving(patience=0.02)
    for _ in range(5):
        waiting = giving.write("a")
        await asyncio.wait([waiting], timeout=0.01)
        giving.settle([])
        assert waiting.result() == []
    assert giving.handoff.trouble is None


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
