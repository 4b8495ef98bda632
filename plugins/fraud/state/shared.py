"""The state that gateways share: the same records in their store, read and updated in one round trip."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from gateway import Procedure, Store, Table
from plugins.fraud import records, tallies
from plugins.fraud.event import KINDS, Event, Keys
from plugins.fraud.records import NEVER, View, currency_code, marks_of, seen
from plugins.fraud.tallies import TALLIED, TALLIED_AT, UNLABELLED, Rates, counted, rates

from . import lua
from .protocol import Views

KEPT = 90 * records.DAY
"""Seconds that a key is remembered after its last payment, unless told otherwise: three of the longest window."""


class SharedState:
    """Satisfies ``State`` over a store: whoever has the same store sees each other's payments."""

    def __init__(self, store: Store, *, prefix: str = "fraud", kept: float = KEPT) -> None:
        self._store, self._prefix, self._kept = store, prefix, kept

    async def observe(self, event: Event) -> Views:
        code = currency_code(event.currency)
        amount = False if event.amount is None else float(event.amount)
        head = [event.at, amount, code, self._kept]
        asked = self._asked(event, f"{code:.0f}")
        if self._store.together:
            keys = [key for each in asked for key in each[0]]
            found = await self._store.run(SEEN, keys, [*head, *[each[1] for each in asked]]) if keys else []
        else:
            runs = [self._store.run(SEEN, keys, [*head, marks]) for keys, marks in asked]
            found = [each[0] for each in await asyncio.gather(*runs)]
        return _views(event, code, iter(found))

    async def answered(self, keys: Keys, *, declined: bool) -> None:
        await self._each(ANSWERED, self._named("seen", KINDS, keys), [declined])

    async def count(self, keys: Keys, at: float, *, frauds: int, payments: int) -> None:
        named = self._named("labels", TALLIED, [keys[place] for place in TALLIED_AT])
        await self._each(COUNTED, named, [at, frauds, payments, self._kept])

    def _asked(self, event: Event, currency: str) -> list[tuple[list[str], list[str] | bool]]:
        """Of each key its records' names and its marks; then of each tally its name, and no marks."""
        keys = event.keys
        named = zip(KINDS, keys, marks_of(keys), strict=True)
        asked: list[tuple[list[str], list[str] | bool]] = [
            (
                [self._name("seen", kind, key), self._name("seen", kind, key, currency)],
                [each.decode() for each in marks],
            )
            for kind, key, marks in named
            if key is not None
        ]
        labelled = self._named("labels", TALLIED, [keys[place] for place in TALLIED_AT])
        return asked + [([name], False) for name in labelled]

    def _named(self, what: str, kinds: Sequence[str], keys: Sequence[str | None]) -> list[str]:
        return [self._name(what, kind, key) for kind, key in zip(kinds, keys, strict=True) if key is not None]

    def _name(self, what: str, kind: str, key: str, currency: str = "") -> str:
        """One key's names have its digest in braces, so that on a cluster they lie together."""
        return f"{self._prefix}:{what}:{kind}:{{{key}}}{':' if currency else ''}{currency}"

    async def _each(self, procedure: Procedure, keys: list[str], arguments: Any) -> None:
        if self._store.together and keys:
            await self._store.run(procedure, keys, arguments)
        elif keys:
            await asyncio.gather(*[self._store.run(procedure, [key], arguments) for key in keys])


def _views(event: Event, code: float, found: Any) -> Views:
    keys, at = event.keys, event.at
    views = [NEVER if key is None else _view(next(found), at, code) for key in keys]
    labelled = [UNLABELLED if keys[place] is None else _rates(next(found), at) for place in TALLIED_AT]
    return Views(tuple(views), tuple(labelled))


def _view(found: Any, at: float, code: float) -> View:
    """Of a record, and of the one that its key has for another currency where that was asked for."""
    own, apart = found
    if not own:
        return NEVER
    view, _ = seen(records.LAYOUT.pack(*own), at, None, code, ())
    if apart is False:
        return view
    other = NEVER if not apart else seen(records.LAYOUT.pack(*apart), at, None, code, ())[0]
    return records.with_money(view, other)


def _rates(found: Any, at: float) -> Rates:
    return UNLABELLED if not found[0] else rates(tallies.LAYOUT.pack(*found[0]), at)


def _seen(table: Table, keys: Sequence[str], arguments: Any) -> Any:
    at, amount, code, kept, *asked = arguments
    paid = None if amount is False else amount
    names, found = iter(keys), []
    for marks in asked:
        name = next(names)
        if marks is False:
            found.append([_numbers(tallies.LAYOUT, table.get(name)), False])
        else:
            found.append(_met(table, (name, next(names)), (at, paid, code, kept), [each.encode() for each in marks]))
    return found


def _met(
    table: Table, names: tuple[str, str], paid: tuple[float, float | None, float, float], marks: list[bytes]
) -> Any:
    at, amount, code, kept = paid
    before = table.get(names[0])
    view, after = seen(before, at, amount, code, marks)
    table.put(names[0], after, kept)
    if amount is None or not view[records.MONEY]:
        return [_numbers(records.LAYOUT, before), False]
    other = table.get(names[1])
    table.put(names[1], seen(other, at, amount, code, ())[1], kept)
    return [_numbers(records.LAYOUT, before), _numbers(records.LAYOUT, other)]


def _numbers(layout: Any, record: bytes | None) -> Any:
    """What a record holds; 0 where there is none."""
    return 0 if record is None else list(layout.unpack_from(record))


def _answered(table: Table, keys: Sequence[str], arguments: Any) -> Any:
    for key in keys:
        if (record := table.get(key)) is not None:
            table.put(key, records.answered(record, arguments[0]), table.left(key))


def _counted(table: Table, keys: Sequence[str], arguments: Any) -> Any:
    at, frauds, payments, kept = arguments
    for key in keys:
        table.put(key, counted(table.get(key), at, frauds, payments), kept)


SEEN = Procedure("fraud_seen", _seen, lua.SEEN)
ANSWERED = Procedure("fraud_answered", _answered, lua.ANSWERED)
COUNTED = Procedure("fraud_counted", _counted, lua.COUNTED)
