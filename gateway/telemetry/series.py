"""What metrics are made of: plain numbers under label values, in tables with a bound, read when Prometheus asks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

Labels: TypeAlias = str | tuple[str | int, ...]
"""The values of a series' labels; of a single one, the value itself."""

Reading: TypeAlias = float | Mapping[Labels, float]

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the buckets, in seconds: from what a sidecar adds to what a payment may take."""

_MOST = 2000


@dataclass(frozen=True, slots=True)
class Series:
    """A metric: its name, what it counts, and the names of its labels."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()

    @property
    def overflow(self) -> Labels:
        return "other" if len(self.labels) == 1 else ("other",) * len(self.labels)

    def family(self, reading: Reading) -> Metric:
        """A counter's or a gauge's numbers, as Prometheus takes them."""
        kind = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        family = kind(self.name, self.help, labels=self.labels)
        readings: Iterable[tuple[Labels, float]] = reading.items() if isinstance(reading, Mapping) else [((), reading)]
        for values, number in readings:
            family.add_metric(_values(values), number)
        return family


class Tally:
    """Counts under label values.  Label values that come after ``most`` others are counted as ``other``."""

    __slots__ = ("_most", "numbers", "series")

    def __init__(self, series: Series, most: int = _MOST) -> None:
        self.series = series
        self.numbers: dict[Labels, float] = {}
        self._most = most

    def add(self, labels: Labels, by: float = 1) -> None:
        try:
            self.numbers[labels] += by
        except KeyError:
            if len(self.numbers) >= self._most:
                labels = self.series.overflow
            self.numbers[labels] = self.numbers.get(labels, 0) + by

    def family(self) -> Metric:
        return self.series.family(self.numbers)


class Spent:
    """How often, and for how many seconds in all, under the same label values: two series for one look-up."""

    __slots__ = ("_most", "often", "seconds", "slots")

    def __init__(self, often: Series, seconds: Series, most: int = _MOST) -> None:
        self.often = often
        self.seconds = seconds
        self.slots: dict[Labels, list[float]] = {}
        self._most = most

    def add(self, labels: Labels, seconds: float) -> None:
        slot = self.slots.get(labels) or self._slot(labels)
        slot[0] += 1
        slot[1] += seconds

    def _slot(self, labels: Labels) -> list[float]:
        if len(self.slots) >= self._most:
            labels = self.often.overflow
        return self.slots.setdefault(labels, [0, 0.0])

    def families(self) -> tuple[Metric, Metric]:
        return (
            self.often.family({labels: slot[0] for labels, slot in self.slots.items()}),
            self.seconds.family({labels: slot[1] for labels, slot in self.slots.items()}),
        )


class Durations:
    """A histogram of seconds under label values, bounded alike."""

    __slots__ = ("_most", "series", "slots")

    def __init__(self, series: Series, most: int = _MOST // 10) -> None:
        self.series = series
        self.slots: dict[Labels, _Slot] = {}
        self._most = most

    def observe(self, labels: Labels, seconds: float) -> None:
        slot = self.slots.get(labels) or self._slot(labels)
        slot.counts[bisect_left(BOUNDS, seconds)] += 1
        slot.total += seconds

    def _slot(self, labels: Labels) -> _Slot:
        if len(self.slots) >= self._most:
            labels = self.series.overflow
        return self.slots.setdefault(labels, _Slot())

    def family(self) -> Metric:
        family = HistogramMetricFamily(self.series.name, self.series.help, labels=self.series.labels)
        for labels, slot in self.slots.items():
            family.add_metric(_values(labels), list(zip(_BUCKETS, accumulate(slot.counts), strict=True)), slot.total)
        return family


class _Slot:
    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * len(_BUCKETS)
        self.total = 0.0


_BUCKETS = (*map(str, BOUNDS), "+Inf")

Read: TypeAlias = Callable[[], Reading]


def _values(labels: Labels) -> tuple[str, ...]:
    return (labels,) if isinstance(labels, str) else tuple(map(str, labels))
