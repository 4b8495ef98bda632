"""The state of one process: bounded; what was not used since the bound was last reached is forgotten first."""

from __future__ import annotations

from collections.abc import Mapping

from plugins.fraud.event import KINDS, Event, Keys
from plugins.fraud.records import MONEY, NEVER, View, answered, currency_code, marks_of, seen, with_money
from plugins.fraud.tallies import TALLIED_AT, UNLABELLED, Rates, counted, rates

from .generations import Generations
from .protocol import Views


class MemoryState:
    """Satisfies ``State``; ``look`` is the same as ``observe`` without awaiting, for whoever replays a history.

    ``entries`` bounds the records of all kinds together, and the tallies once more.
    """

    def __init__(self, entries: int = 200_000) -> None:
        self._records = [Generations(max(2, entries // len(KINDS))) for _ in KINDS]
        self._tallies = [Generations(max(2, entries // len(TALLIED_AT))) for _ in TALLIED_AT]
        self._codes: dict[str | None, float] = {}

    async def observe(self, event: Event) -> Views:
        return self.look(event)

    async def answered(self, keys: Keys, *, declined: bool) -> None:
        self.answer(keys, declined=declined)

    async def count(self, keys: Keys, at: float, *, frauds: int, payments: int) -> None:
        self.tally(keys, at, frauds=frauds, payments=payments)

    def look(self, event: Event) -> Views:
        keys, at = event[5:12], event[1]
        code = self._code(event[4])
        amount = None if event[3] is None else float(event[3])
        views: list[View] = []
        for records, key, marks in zip(self._records, keys, marks_of(keys), strict=True):
            if key is None:
                views.append(NEVER)
                continue
            before = records.young.get(key) or records.recall(key)
            view, record = seen(before, at, amount, code, marks)
            if before is None:
                records.keep(key, record)
            else:
                records.young[key] = record
            views.append(_apart(records, key, view, (at, amount, code)) if view[MONEY] else view)
        return Views(tuple(views), self._rates(keys, at))

    def answer(self, keys: Keys, *, declined: bool) -> None:
        for records, key in zip(self._records, keys, strict=True):
            if key is not None and (record := records.get(key)) is not None:
                records.keep(key, answered(record, declined))

    def tally(self, keys: Keys, at: float, *, frauds: int, payments: int) -> None:
        for tallies, place in zip(self._tallies, TALLIED_AT, strict=True):
            if (key := keys[place]) is not None:
                tallies.keep(key, counted(tallies.get(key), at, frauds, payments))

    def sizes(self) -> Mapping[str, int]:
        """How many records there are of each kind."""
        return {kind: len(records) for kind, records in zip(KINDS, self._records, strict=True)}

    def _rates(self, keys: Keys, at: float) -> tuple[Rates, ...]:
        return tuple(
            [
                UNLABELLED if (key := keys[place]) is None else rates(tallies.young.get(key) or tallies.recall(key), at)
                for tallies, place in zip(self._tallies, TALLIED_AT, strict=True)
            ]
        )

    def _code(self, currency: str | None) -> float:
        code = self._codes.get(currency)
        if code is None:
            if len(self._codes) > 256:
                self._codes.clear()
            code = self._codes[currency] = currency_code(currency)
        return code


def _apart(records: Generations, key: str, view: View, paid: tuple[float, float | None, float]) -> View:
    """The view with its sums and usual amount from the record that the key has for that other currency."""
    at, amount, code = paid
    if amount is None:
        return view
    apart = f"{key}:{code:.0f}"
    other, record = seen(records.get(apart), at, amount, code, ())
    records.keep(apart, record)
    return with_money(view, other)
