"""Measures: what of the cache stands at ``/metrics``.  On the path nothing is done but to count."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gateway import Measure

if TYPE_CHECKING:
    from .component import Cache

AGES = (1.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 21600.0, 86400.0)
"""Upper bounds, in seconds: from what is asked for at once to what is kept for a day."""

HITS = {"hit": "memory", "stale": "memory", "hit_below": "redis", "stale_below": "redis"}
"""Which tier answered, by the words that filters count."""


class Ages:
    """How old answers were that were given, in counts; ``slot`` is theirs and, last, the sum of all ages."""

    __slots__ = ("slot",)

    def __init__(self) -> None:
        self.slot = [0.0] * (len(AGES) + 2)

    def add(self, age: float) -> None:
        slot = self.slot
        slot[bisect_left(AGES, age)] += 1
        slot[-1] += age


def measures(cache: Cache) -> Iterator[Measure]:
    memory, route = cache.memory, ("route",)
    yield _counter("requests_total", "What became of requests, by word.", ("route", "result"), _of(cache))
    yield _counter("hits_total", "Answers given without the upstream.", ("route", "tier"), _hits(cache))
    yield Measure("hit_ratio", "gauge", "Hits of all requests that could be one.", route, _ratios(cache))
    ages: dict[tuple[str, ...], list[float]] = {(name,): each.slot for name, each in cache.ages.items()}
    yield Measure("age_seconds", "histogram", "How old given answers were.", route, ages, bounds=AGES)
    yield Measure("entries", "gauge", "Entries in memory.", (), {(): len(memory)})
    yield Measure("bytes", "gauge", "What they take, about.", (), {(): memory.bytes})
    yield _counter("evictions_total", "Entries that made room for others.", (), {(): memory.evictions})
    yield Measure("flights", "gauge", "Requests under way for what is not here.", (), {(): len(cache.flights)})
    yield _counter("purges_total", "Purges among replicas.", ("what",), _words(cache.purges.counts))
    yield from _redis(cache)
    yield from _warming(cache)


def _redis(cache: Cache) -> Iterator[Measure]:
    redis = cache.redis
    if redis is None:
        return
    reach = {} if redis.reach is None else redis.reach.counts
    words = _words({**redis.counts, **reach})
    yield _counter("redis_total", "What became of calls to the cache's Redis.", ("result",), words)
    sizes: dict[tuple[str, ...], float] = {("read",): redis.bytes_read, ("written",): redis.bytes_written}
    yield _counter("redis_bytes_total", "Bytes of values, as they lie there.", ("way",), sizes)
    yield Measure("redis_up", "gauge", "Whether it answers.", (), {(): redis.trouble is None})


def _warming(cache: Cache) -> Iterator[Measure]:
    found: dict[tuple[str, ...], float] = {}
    for each in cache.all_warmings:
        for state in ("total", "done", "failed"):
            key = (each.route, state)
            found[key] = found.get(key, 0) + getattr(each, state)
    yield Measure("warming", "gauge", "Targets of the run under way, or of the last.", ("route", "state"), found)


def _of(cache: Cache) -> dict[tuple[str, ...], float]:
    return {(route, word): number for route, words in cache.counts.items() for word, number in words.items()}


def _hits(cache: Cache) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for route, words in cache.counts.items():
        for word, tier in HITS.items():
            found[route, tier] = found.get((route, tier), 0) + words[word]
    return found


def _ratios(cache: Cache) -> dict[tuple[str, ...], float]:
    """Of requests that a cache can answer: what passes by its own rules does not count."""
    found: dict[tuple[str, ...], float] = {}
    for route, words in cache.counts.items():
        hits = sum(words[word] for word in HITS)
        asked = hits + sum(words[word] for word in ("miss", "validated", "uncacheable", "stale_if_error", "failed"))
        if asked:
            found[route,] = hits / asked
    return found


def _words(counts: Mapping[str, float]) -> dict[tuple[str, ...], float]:
    return {(word,): number for word, number in counts.items()}


def _counter(name: str, said: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]) -> Measure:
    return Measure(name, "counter", said, labels, values)
