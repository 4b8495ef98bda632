"""The comparison: in each round every peer serves every workload once, in an order that turns with the rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.figures import Spread, ratios
from bench.ledgered import Ledgered
from bench.load import Generator, LoadFailed
from bench.peers import Running
from bench.workload import Workload

T = TypeVar("T")

BASE = "nginx"
"""The peer that ratios are against."""

FLOOR = "payguard"
"""The peer that knows of no payments: what others take beyond it, these cost."""


@dataclass(frozen=True)
class Options:
    """How long and how hard: ``warmup`` seconds of load before each measurement count for nothing."""

    rounds: int = 3
    seconds: float = 3.0
    warmup: float = 1.0
    connections: int = 32


@dataclass(frozen=True)
class Sample:
    """One peer, one workload, one round.  Latencies are in seconds."""

    peer: str
    workload: str
    round: int
    requests: int
    seconds: float
    cpu_seconds: float
    p50: float
    p99: float
    ledger: Ledgered | None = None
    """What its ledger did meanwhile, where it has one."""
    asked: int | None = None
    """How often the origin was asked meanwhile."""

    @property
    def cost(self) -> float:
        """CPU microseconds per request."""
        return self.cpu_seconds / self.requests * 1e6


@dataclass(frozen=True)
class Row:
    """One peer under one workload, over all rounds.  ``ratio`` is None where the base was not measured.

    ``added`` are CPU microseconds beyond the floor of the same round; ``commits`` are per request, ``together`` the
    statements of one, ``server`` the CPU microseconds of a database server per request, ``asked`` how often the origin
    was asked per request.  None where there are none.
    """

    peer: str
    workload: str
    cost: Spread
    ratio: Spread | None
    per_second: Spread
    p50: Spread
    p99: Spread
    added: Spread | None
    commits: Spread | None
    together: Spread | None
    server: Spread | None
    asked: Spread | None


def compare(
    peers: Sequence[Running],
    workloads: Sequence[Workload],
    load: Generator,
    options: Options,
    told: Callable[[Sample], None] = lambda _: None,
) -> list[Sample]:
    """All samples; ``told`` hears of each as it is taken."""
    samples = []
    for number in range(options.rounds):
        for workload in workloads:
            for running in turned(peers, number):
                sample = measure(running, workload, number, load, options)
                samples.append(sample)
                told(sample)
    return samples


def turned(items: Sequence[T], by: int) -> list[T]:
    """``items`` from the ``by``-th on, and then the ones before it."""
    start = by % len(items)
    return [*items[start:], *items[:start]]


def measure(running: Running, workload: Workload, number: int, load: Generator, options: Options) -> Sample:
    """CPU time of all the peer's processes over the requests it served, and their latencies."""
    process = running.process
    try:
        load(running.port, workload, options.warmup, options.connections)
        process.settle()
        ledger = Ledgered.of(running.command) if workload.keyed else None
        asked, before = running.asked(), process.cpu_seconds()
        seen = load(running.port, workload, options.seconds, options.connections)
        spent = process.cpu_seconds() - before
        process.settle()
        ledger = ledger and ledger.since(running.command)
        asked = None if asked is None else (running.asked() or 0) - asked
    except LoadFailed as failure:
        raise LoadFailed(f"{running.peer.name}: {failure}\n{process.last_words()}") from failure
    figures = seen.requests, seen.seconds, spent, seen.p50, seen.p99
    return Sample(running.peer.name, workload.name, number, *figures, ledger, asked)


def rows(samples: Sequence[Sample]) -> list[Row]:
    """One per peer and workload, in the order they first appear."""
    groups: dict[tuple[str, str], dict[int, Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.workload, sample.peer), {})[sample.round] = sample
    return [
        _row(group, groups.get((workload, BASE), {}), groups.get((workload, FLOOR), {}))
        for (workload, _), group in groups.items()
    ]


def _row(group: dict[int, Sample], base: dict[int, Sample], floor: dict[int, Sample]) -> Row:
    samples = list(group.values())
    recorded = [(each.ledger, each.requests) for each in samples if each.ledger is not None and each.ledger.commits]
    return Row(
        peer=samples[0].peer,
        workload=samples[0].workload,
        cost=Spread.of([sample.cost for sample in samples]),
        ratio=ratios(_costs(group), _costs(base)),
        per_second=Spread.of([sample.requests / sample.seconds for sample in samples]),
        p50=Spread.of([sample.p50 for sample in samples]),
        p99=Spread.of([sample.p99 for sample in samples]),
        added=_spread([each.cost - floor[number].cost for number, each in group.items() if number in floor]),
        commits=_spread([ledger.commits / requests for ledger, requests in recorded]),
        together=_spread([ledger.statements / ledger.commits for ledger, _ in recorded]),
        asked=_spread([each.asked / each.requests for each in samples if each.asked is not None]),
        server=_spread([each.server / requests * 1e6 for each, requests in recorded if each.server is not None]),
    )


def _spread(values: Sequence[float]) -> Spread | None:
    return Spread.of(values) if values else None


def _costs(group: dict[int, Sample]) -> dict[int, float]:
    return {number: sample.cost for number, sample in group.items()}
