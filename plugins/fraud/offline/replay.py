"""Replay: a history through the code that serves, in the order of its time, with no look ahead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from plugins.fraud.event import Event, Keys
from plugins.fraud.features import Values, features
from plugins.fraud.labels import Label, Maturity, count_of
from plugins.fraud.records import DAY
from plugins.fraud.state.memory import MemoryState

from .history import Row

DELAY = 7 * DAY
"""Seconds after which a label is due, unless told otherwise."""


class Scene(NamedTuple):
    """One payment as a gateway would have seen it at that instant, and what became of it."""

    event: Event
    values: Values
    fraud: bool
    known_at: float
    """When its label was due or, of a fraud, known: nothing before may depend on it."""


def replay(rows: Iterable[Row], delay: float = DELAY, state: MemoryState | None = None) -> Iterator[Scene]:
    """Each payment with its features.

    A label counts from when it was known: ``delay`` seconds after the payment, or when a fraud's label says.
    """
    state = state or MemoryState(entries=5_000_000)
    maturity = Maturity(delay, entries=50_000_000)
    reports: list[tuple[float, str, Keys]] = []
    for row in rows:
        event = row.event
        _learn(state, maturity, reports, event.at)
        values = features(event, state.look(event))
        known = event.at + delay
        if row.fraud and row.labelled_at is not None:
            known = max(row.labelled_at, event.at)
        maturity.add(event)
        if row.fraud:
            heappush(reports, (known, event.id, event.keys))
        if row.declined is not None:
            state.answer(event.keys, declined=row.declined)
        yield Scene(event, values, bool(row.fraud), known)


def _learn(state: MemoryState, maturity: Maturity, reports: list[tuple[float, str, Keys]], now: float) -> None:
    """What has become known by now: reported frauds first, of payments that else would count as legitimate."""
    while reports and reports[0][0] <= now:
        at, payment, keys = heappop(reports)
        count = maturity.label(Label(payment, fraud=True, source="history", at=at))
        if count is None:
            count = count_of(keys, at, fraud=True, was_fraud=False, was_counted=True)
        if count is not None:
            state.tally(count.keys, count.at, frauds=count.frauds, payments=count.payments)
    for due in maturity.due(now):
        state.tally(due.keys, due.at, frauds=due.frauds, payments=due.payments)
