from __future__ import annotations

from typing import Any

import pybreaker
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from gateway.testing import HandClock
from plugins.circuit_breaker.circuit import Circuit, Ticket
from plugins.circuit_breaker.decision import CircuitOpen
from plugins.circuit_breaker.options import CircuitBreakerConfig

NO_DEADLINE = 0.0


class Bench:
    """A circuit with its clock, and all that it told."""

    def __init__(self, *, storage: Any = None, **options: Any) -> None:
        self.clock = HandClock()
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        config = CircuitBreakerConfig.model_validate({"minimum_calls": 4, "open_for": "30s", **options})
        self.circuit = Circuit(config, self.clock.monotonic, lambda *said: self.told.append(said), storage)

    def admit(self) -> Ticket:
        return self.circuit.admit(NO_DEADLINE)

    def call(self, verdict: Any, times: int = 1) -> None:
        for _ in range(times):
            self.circuit.settle(self.admit(), verdict)

    def opened(self) -> Bench:
        self.call("failed", 4)
        assert self.circuit.state == "open"
        return self

    def refuses_for(self) -> int:
        with pytest.raises(CircuitOpen) as refused:
            self.admit()
        return int(refused.value.headers["retry-after"])

    @property
    def events(self) -> list[tuple[str, str]]:
        return [(code, severity) for code, severity, _ in self.told]


def test_it_opens_at_the_rate_and_says_why() -> None:
    bench = Bench()
    bench.call("good", 2)
    bench.call("failed", 1)
    assert bench.circuit.state == "closed"
    bench.call("failed", 1)
    assert bench.circuit.state == "open"
    assert bench.told == [
        (
            "circuit_opened",
            "critical",
            {"reason": "failure_rate", "calls": 4, "failed": 2, "slow": 0, "open_for": 30.0},
        )
    ]


def test_slow_answers_open_it_too() -> None:
    bench = Bench(slow_call="1s")
    bench.call("good", 2)
    bench.call("slow", 2)
    assert (bench.circuit.state, bench.told[0][2]["reason"]) == ("open", "slow_call_rate")


def test_what_does_not_count_neither_opens_it_nor_keeps_it_closed() -> None:
    bench = Bench()
    bench.call("alive", 100)
    bench.call("nothing", 100)
    assert bench.circuit.window.calls == 0
    bench.opened()


def test_failures_that_are_too_old_do_not_open_it() -> None:
    bench = Bench(window="10s")
    bench.call("failed", 3)
    bench.clock.advance(11)
    bench.call("failed", 3)
    assert bench.circuit.state == "closed"


def test_an_open_one_refuses_with_the_seconds_that_are_left() -> None:
    bench = Bench().opened()
    assert bench.refuses_for() == 30
    bench.clock.advance(29.5)
    assert bench.refuses_for() == 1


def test_then_it_lets_one_probe_through_at_a_time() -> None:
    bench = Bench().opened()
    bench.clock.advance(30)
    bench.admit()
    assert bench.circuit.state == "half-open"
    assert [bench.refuses_for() for _ in range(50)] == [1] * 50


@pytest.mark.parametrize("verdict", ["good", "alive"])
def test_a_probe_that_is_answered_closes_it_with_a_clean_window(verdict) -> None:
    bench = Bench().opened()
    bench.clock.advance(30)
    bench.call(verdict)
    assert (bench.circuit.state, bench.circuit.window.calls) == ("closed", 0)
    bench.call("failed", 3)
    assert bench.circuit.state == "closed"
    assert bench.events == [("circuit_opened", "critical"), ("circuit_half_open", "info"), ("circuit_closed", "info")]


@pytest.mark.parametrize(("verdict", "reason"), [("failed", "probe_failed"), ("slow", "probe_slow")])
def test_a_probe_that_fails_opens_it_for_as_long_again(verdict, reason) -> None:
    bench = Bench().opened()
    bench.clock.advance(30)
    bench.call(verdict)
    assert (bench.circuit.state, bench.circuit.opened) == ("open", 2)
    assert bench.refuses_for() == 30
    assert (bench.events[-1], bench.told[-1][2]["reason"]) == (("circuit_opened", "warning"), reason)


def test_it_closes_after_as_many_probes_as_it_was_told_one_after_another() -> None:
    bench = Bench(probes=3).opened()
    bench.clock.advance(30)
    for _ in range(2):
        probe = bench.admit()
        bench.refuses_for()
        bench.circuit.settle(probe, "good")
        assert bench.circuit.state == "half-open"
    bench.call("good")
    assert bench.circuit.state == "closed"


def test_a_failure_among_the_probes_begins_the_count_anew() -> None:
    bench = Bench(probes=2).opened()
    bench.clock.advance(30)
    bench.call("good")
    bench.call("failed")
    bench.clock.advance(30)
    bench.call("good")
    assert bench.circuit.state == "half-open"


def test_a_probe_that_tells_nothing_gives_its_place_to_the_next() -> None:
    bench = Bench().opened()
    bench.clock.advance(30)
    bench.call("nothing", 3)
    assert bench.circuit.state == "half-open"
    bench.call("good")
    assert bench.circuit.state == "closed"


def test_a_probe_that_does_not_come_back_keeps_others_out_for_a_time_only() -> None:
    bench = Bench().opened()
    bench.clock.advance(30)
    lost = bench.admit()
    bench.clock.advance(29)
    bench.refuses_for()
    bench.clock.advance(1)
    second = bench.admit()
    bench.circuit.settle(lost, "failed")
    assert bench.circuit.state == "half-open"
    bench.circuit.settle(second, "good")
    assert bench.circuit.state == "closed"


def test_a_probe_has_the_time_of_its_exchange_where_that_is_longer() -> None:
    bench = Bench().opened()
    bench.clock.advance(30)
    bench.circuit.admit(deadline=bench.clock.monotonic() + 100)
    bench.clock.advance(99)
    bench.refuses_for()
    bench.clock.advance(1)
    bench.admit()


def test_what_was_admitted_before_it_opened_changes_nothing_after_it() -> None:
    bench = Bench()
    early = [bench.admit() for _ in range(10)]
    bench.opened()
    bench.circuit.settle(early[0], "good")
    assert bench.circuit.state == "open"
    bench.clock.advance(30)
    probe = bench.admit()
    bench.circuit.settle(early[1], "failed")
    bench.circuit.settle(early[2], "good")
    assert bench.circuit.state == "half-open"
    bench.circuit.settle(probe, "good")
    for each in early[3:]:
        bench.circuit.settle(each, "failed")
    assert (bench.circuit.state, bench.circuit.window.calls) == ("closed", 0)


def test_what_somebody_else_writes_to_its_storage_is_noticed_and_told() -> None:
    storage = pybreaker.CircuitMemoryStorage("closed")
    bench = Bench(storage=storage)
    bench.admit()
    storage.state = "open"
    assert bench.refuses_for() == 30
    assert (bench.events, bench.told[0][2]["reason"]) == ([("circuit_opened", "critical")], "elsewhere")
    storage.state = "closed"
    bench.call("good")
    assert bench.events[-1] == ("circuit_closed", "info")


class Traffic(RuleBasedStateMachine):
    """Any order of admissions, answers, answers that never come, and time: it is never stuck, nor too generous."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(minimum_calls=3, window="20s", open_for="10s", probes=2)
        self.out: list[Ticket] = []
        self.probe: Ticket | None = None
        """The one that keeps others out, and until when."""

    @rule(deadline=st.floats(0, 30))
    def admit(self, deadline: float) -> None:
        circuit, clock = self.bench.circuit, self.bench.clock
        before, now = circuit.state, clock.monotonic()
        due = circuit.left == 0
        try:
            ticket = circuit.admit(now + deadline)
        except CircuitOpen:
            assert (before == "open" and not due) or (self.probe is not None and now < self.probe.until)
            return
        self.out.append(ticket)
        if before == "closed":
            return
        assert due if before == "open" else self.probe is None or now >= self.probe.until
        assert circuit.state == "half-open"
        self.probe = ticket

    @precondition(lambda self: self.out)
    @rule(data=st.data(), verdict=st.sampled_from(["good", "good", "failed", "failed", "slow", "alive", "nothing"]))
    def settle(self, data: Any, verdict: Any) -> None:
        ticket = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        before = self.bench.circuit.state
        self.bench.circuit.settle(ticket, verdict)
        after = self.bench.circuit.state
        if before == "open":
            assert after == "open"
        if before == "half-open" and ticket is not self.probe:
            assert after == "half-open"
        if ticket is self.probe or after != before:
            self.probe = None

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def is_never_heard_of_again(self, data: Any) -> None:
        self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))

    @rule(seconds=st.floats(0, 40))
    def pass_by(self, seconds: float) -> None:
        self.bench.clock.advance(seconds)

    def teardown(self) -> None:
        """Whatever has happened: once all that is out has had its time, an upstream that is well is used again."""
        for _ in range(3):
            self.bench.clock.advance(31)
            self.bench.call("good")
        assert self.bench.circuit.state == "closed"


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
