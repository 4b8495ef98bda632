"""Detections: which fields of live traffic carried card data that nothing protects; how often, and never what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import time
from typing import Literal, NamedTuple

from gateway.card_data import Kind

Where = Literal["path", "query", "header", "body", "answer_header", "answer"]

MOST = 200
"""Fields of one route.  What comes after them is counted as one field, ``other``."""


class Field(NamedTuple):
    """``name`` is a JSON pointer with ``*`` for items, or the name of a parameter or header; empty of what has none."""

    where: Where
    name: str
    kind: Kind

    @property
    def label(self) -> str:
        return f"{self.where}:{self.name}"


@dataclass(slots=True)
class Seen:
    """``count`` counts messages.  Times are seconds since the epoch."""

    count: int
    first: float
    last: float


class Detections:
    """What a process has detected since it started, by route.  A reload loses nothing of it."""

    def __init__(self, now: Callable[[], float] = time) -> None:
        self._now = now
        self._routes: dict[str, dict[Field, Seen]] = {}
        self.unseen: dict[tuple[str | int, ...] | str, float] = {}
        """Bodies by route that were not looked at: too large, streaming, encoded, or no text."""

    def add(self, route: str, fields: Iterable[Field]) -> None:
        """Those of one message."""
        seen, at = self._routes.setdefault(route, {}), self._now()
        for field in fields:
            known = field if field in seen or len(seen) < MOST else Field(field.where, "other", field.kind)
            if (each := seen.get(known)) is None:
                seen[known] = Seen(1, at, at)
            else:
                each.count, each.last = each.count + 1, at

    def pass_over(self, route: str) -> None:
        self.unseen[route] = self.unseen.get(route, 0) + 1

    def all(self) -> Mapping[str, Mapping[Field, Seen]]:
        return self._routes

    def counts(self) -> dict[tuple[str | int, ...] | str, float]:
        """By route, field and kind."""
        return {
            (route, field.label, field.kind): seen.count
            for route, fields in self._routes.items()
            for field, seen in fields.items()
        }
