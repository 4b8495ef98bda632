from __future__ import annotations

import pytest
from prometheus_client import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from gateway.telemetry.series import Durations, Series, Spent, Tally

CALLS = Series("calls_total", "counter", "Calls.", ("who", "how"))
TIMES = Series("times_seconds", "histogram", "Times.", ("who",))


class _One(Collector):
    def __init__(self, family) -> None:
        self._family = family

    def collect(self):
        return [self._family]


def exposed(family) -> list[str]:
    registry = CollectorRegistry()
    registry.register(_One(family))
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_a_tally_counts_under_the_values_of_its_labels():
    tally = Tally(CALLS)
    tally.add(("a", 200))
    tally.add(("a", 200), 2)
    tally.add(("b", 500))
    assert exposed(tally.family()) == ['calls_total{how="200",who="a"} 3.0', 'calls_total{how="500",who="b"} 1.0']


def test_label_values_beyond_the_bound_are_counted_together():
    tally = Tally(CALLS, most=2)
    for number in range(5):
        tally.add((str(number), "x"))
    tally.add(("0", "x"))
    assert tally.numbers == {("0", "x"): 2, ("1", "x"): 1, ("other", "other"): 3}


def test_durations_fall_into_cumulative_buckets():
    durations = Durations(TIMES)
    for seconds in (0.0005, 0.001, 0.02, 99.0):
        durations.observe("a", seconds)
    lines = exposed(durations.family())
    assert 'times_seconds_bucket{le="0.001",who="a"} 2.0' in lines
    assert 'times_seconds_bucket{le="0.025",who="a"} 3.0' in lines
    assert 'times_seconds_bucket{le="30.0",who="a"} 3.0' in lines
    assert 'times_seconds_bucket{le="+Inf",who="a"} 4.0' in lines
    assert 'times_seconds_count{who="a"} 4.0' in lines
    assert sum(slot.total for slot in durations.slots.values()) == pytest.approx(99.0215)


def test_durations_are_bounded_too():
    durations = Durations(TIMES, most=2)
    for number in range(5):
        durations.observe(str(number), 0.1)
    assert {labels: sum(slot.counts) for labels, slot in durations.slots.items()} == {"0": 1, "1": 1, "other": 3}


def test_durations_without_labels_are_one_histogram():
    durations = Durations(Series("lag_seconds", "histogram", "Lag."))
    durations.observe((), 0.1)
    assert "lag_seconds_count 1.0" in exposed(durations.family())


def test_a_reading_is_a_number_or_numbers_by_label_values():
    assert exposed(Series("up", "gauge", "Up.").family(1)) == ["up 1.0"]
    assert exposed(Series("up", "gauge", "Up.", ("who",)).family({"a": 1, "b": 0})) == [
        'up{who="a"} 1.0',
        'up{who="b"} 0.0',
    ]


def test_time_spent_is_two_series_with_the_same_labels_and_bounded():
    spent = Spent(CALLS, Series("calls_seconds_total", "counter", "Their time.", ("who", "how")), most=1)
    spent.add(("a", "x"), 0.5)
    spent.add(("a", "x"), 0.5)
    spent.add(("b", "x"), 2.0)
    often, seconds = spent.families()
    assert exposed(often) == ['calls_total{how="x",who="a"} 2.0', 'calls_total{how="other",who="other"} 1.0']
    assert exposed(seconds)[0] == 'calls_seconds_total{how="x",who="a"} 1.0'
