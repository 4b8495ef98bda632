"""The lists: whom fraud scoring lets through or refuses whatever the score, who said so, why, and until when."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple, TypeAlias

from gateway import Database, Row

from .digests import Digests
from .event import FIRST_KEY, KINDS, Event
from .reading import Named

ListName: TypeAlias = Literal["allow", "block"]

LISTED = (*KINDS, "country")
"""What a list may name."""

MOST = 10_000
"""Entries of both lists together: every gateway has them in memory."""

_AT = {kind: FIRST_KEY + number for number, kind in enumerate(KINDS)} | {"country": Event._fields.index("country")}

_PUT = f"""
INSERT INTO fraud_lists (list, kind, digest, author, reason, created_at, ends_at)
SELECT $1, $2, $3, $4, $5, {{now}}, {{now}} + CAST($6 AS DOUBLE PRECISION)
WHERE {{alone}} AND (SELECT COUNT(*) FROM fraud_lists) < {MOST}
ON CONFLICT (list, kind, digest) DO UPDATE SET author = excluded.author, reason = excluded.reason,
  created_at = excluded.created_at, ends_at = excluded.ends_at
RETURNING $1
"""  # noqa: S608 - a constant

_REMOVE = "DELETE FROM fraud_lists WHERE list = $1 AND kind = $2 AND digest = $3 RETURNING $1"

_PURGE = "DELETE FROM fraud_lists WHERE ends_at IS NOT NULL AND ends_at <= {now}"

_ALL = """
SELECT list, kind, digest, author, reason, created_at, ends_at FROM fraud_lists
WHERE ends_at IS NULL OR ends_at > {now} ORDER BY list, kind, digest
"""

_MARK = "SELECT COUNT(*), COALESCE(MAX(created_at), 0) FROM fraud_lists"
"""Another where entries were added or taken away: each that is added has a later time, and each that goes is missed."""


class Entry(NamedTuple):
    """Times are in seconds since the epoch, by the database's clock; one without an end stays."""

    list: str
    kind: str
    digest: str
    author: str
    reason: str
    created_at: float
    ends_at: float | None

    @property
    def id(self) -> str:
        return f"{self.list}:{self.kind}:{self.digest}"


class Lists:
    """The entries as this gateway knows them, and their table, which all gateways of one database share."""

    def __init__(self, database: Callable[[], Database], digests: Digests) -> None:
        self._database = database
        self._digests = digests
        self._mark: Row | None = None
        self._ends: dict[str, dict[str, dict[str, float]]] = {"allow": {}, "block": {}}
        """By list, kind and digest: when it ends."""
        self._older: set[tuple[str, str]] = set()
        """Lists and kinds with entries under a salt that is no longer the first."""

    def hit(self, name: ListName, event: Event, named: Named, now: float) -> str | None:
        """The kind of the payment's key that stands on this list; None where none does."""
        for kind, entries in self._ends[name].items():
            key: str | None = event[_AT[kind]]  # type: ignore[assignment]  # the fields of keys are text
            if key is None:
                continue
            if (ends := entries.get(key)) is not None and ends > now:
                return kind
            if (name, kind) in self._older:
                older = self._digests.all(kind, getattr(named, kind))[1:]
                if any(entries.get(each, 0.0) > now for each in older):
                    return kind
        return None

    async def refresh(self) -> None:
        """What the table has now.  DatabaseDown where it cannot be read: what was known stays."""
        [mark] = await self._database().read(_MARK)
        if self._mark is None or tuple(mark) != tuple(self._mark):
            self._take(await self.all())
            self._mark = mark

    async def all(self) -> list[Entry]:
        return [Entry(*row) for row in await self._database().read(_ALL)]

    async def put(self, entry: Entry, seconds: float | None) -> bool:
        """False where there is no room."""
        given = entry.list, entry.kind, entry.digest, entry.author, entry.reason, seconds
        done = bool(await self._database().write(_PUT, *given))
        await self.refresh()
        return done

    async def remove(self, name: str, kind: str, digest: str) -> bool:
        done = bool(await self._database().write(_REMOVE, name, kind, digest))
        await self.refresh()
        return done

    def purge(self) -> Future[list[Any]]:
        return self._database().write(_PURGE)

    def _take(self, entries: Iterable[Entry]) -> None:
        ends: dict[str, dict[str, dict[str, float]]] = {"allow": {}, "block": {}}
        older = set()
        for each in entries:
            ends[each.list].setdefault(each.kind, {})[each.digest] = each.ends_at or float("inf")
            if not self._digests.is_current(each.kind, each.digest):
                older.add((each.list, each.kind))
        self._ends, self._older = ends, older
