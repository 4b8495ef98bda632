"""The upstream's book: what arrived on its wire and what it executed, in a file that outlives a kill -9 of it."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that reached the socket, ``whole`` or the first of its bytes.

    ``key`` and ``reference`` are empty where the bytes that came did not hold them.
    """

    number: int
    at: float
    key: str
    reference: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Execution:
    """Money that moved, for the arrival of this number."""

    arrival: int
    at: float
    key: str
    reference: str
    amount: int
    currency: str


@dataclass(slots=True)
class Pages:
    """The book as read.  ``declared`` are arrivals that were answered with a status that says "not executed"."""

    arrivals: list[Arrival] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    taken: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Arrivals that were taken, to be done or declined later."""
    declined: dict[str, int] = field(default_factory=dict)
    """Keys that were declined, each with its arrival."""
    declared: set[int] = field(default_factory=set)
    looked_up: Counter[str] = field(default_factory=Counter)
    """How often each key was asked for."""
    lives: int = 0
    """How often the upstream was started."""

    def by_reference(self) -> dict[str, list[Arrival]]:
        return _grouped(self.arrivals)

    def executed(self) -> dict[str, list[Execution]]:
        return _grouped(self.executions)


def _grouped(entries: list[Any]) -> dict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for entry in entries:
        found[entry.reference].append(entry)
    return dict(found)


class Book:
    """Appends entries.  Each is in the kernel's hands when its method returns: a kill -9 takes nothing back."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def _write(self, what: str, **entry: Any) -> None:
        os.write(self._file, orjson.dumps({"what": what, **entry}) + b"\n")

    def begins(self, at: float) -> None:
        self._write("begins", at=at)

    def arrived(self, arrival: Arrival) -> None:
        self._write(
            "arrived",
            number=arrival.number,
            at=arrival.at,
            key=arrival.key,
            reference=arrival.reference,
            whole=arrival.whole,
        )

    def executed(self, execution: Execution) -> None:
        self._write(
            "executed",
            arrival=execution.arrival,
            at=execution.at,
            key=execution.key,
            reference=execution.reference,
            amount=execution.amount,
            currency=execution.currency,
        )

    def taken(self, arrival: int, key: str, reference: str, due: float) -> None:
        self._write("taken", arrival=arrival, key=key, reference=reference, due=due)

    def declined(self, arrival: int, key: str) -> None:
        self._write("declined", arrival=arrival, key=key)

    def declared(self, arrival: int) -> None:
        """It is about to be answered as not executed, and never will be."""
        self._write("declared", arrival=arrival)

    def looked_up(self, key: str, said: str) -> None:
        self._write("looked_up", key=key, said=said)

    def close(self) -> None:
        os.close(self._file)


def read(path: Path) -> Pages:
    pages = Pages()
    for entry in _entries(path):
        match entry.pop("what"):
            case "begins":
                pages.lives += 1
            case "arrived":
                pages.arrivals.append(Arrival(**entry))
            case "executed":
                pages.executions.append(Execution(**entry))
            case "taken":
                pages.taken[entry["arrival"]] = entry
            case "declined":
                pages.declined[entry["key"]] = entry["arrival"]
            case "declared":
                pages.declared.add(entry["arrival"])
            case "looked_up":
                pages.looked_up[entry["key"]] += 1
    return pages


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """Without a last line that a kill cut off: nothing was done after it."""
    if path.exists():
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield orjson.loads(line)
