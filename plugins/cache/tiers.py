"""Tiers: where entries lie.  The memory of this process comes first; what stands below is asked where it has none."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol
from urllib.parse import unquote

from .entry import Entry

By = Literal["key", "uri", "path", "prefix", "tag", "partition", "all"]


@dataclass(frozen=True, slots=True)
class Purge:
    """Which entries are to go: those of one key, target or path, all targets that begin so, one tag, one partition.

    ``value`` is a key, a URI with its host, a path whatever its host and query, the beginning of a URI, a tag or the
    digest of a principal; a ``prefix`` may leave out scheme and host.  ``within`` keeps it to one partition, where it
    is said.
    """

    by: By
    value: str = ""
    within: str | None = None

    def takes(self, entry: Entry) -> bool:
        if self.within is not None and entry.partition != self.within:
            return False
        match self.by:
            case "key" | "uri" | "partition":
                return bool(getattr(entry, self.by) == self.value)
            case "path":
                return path_of(entry.uri) == folded(self.value)
            case "prefix":
                return begins(entry.uri, self.value)
            case "tag":
                return self.value in entry.tags
        return True


@lru_cache(128)  # each miss asks several times
def path_of(uri: str) -> str:
    """Its path as every backend reads it: decoded, in small letters, without a slash at its end (`folded`)."""
    return folded(local(uri).partition("?")[0])


def folded(path: str) -> str:
    return unquote(path).lower().rstrip("/") or "/"


def local(uri: str) -> str:
    """Without its scheme and host."""
    return "/" + uri.partition("://")[2].partition("/")[2]


def begins(uri: str, prefix: str) -> bool:
    """Whether a target begins so, with its scheme and host or from its path on."""
    start, target = unquote(prefix).lower(), unquote(uri).lower()
    return target.startswith(start) or local(target).startswith(start)


class Tier(Protocol):
    """A place for entries below the memory.

    It never raises for being away and never waits for what is: it is asked within a bound of its own, and then finds
    nothing, keeps nothing, and says so in its own counts.
    """

    async def get(self, key: str) -> Entry | None:
        """What lies there; None also for what cannot be read, which is counted and logged."""

    async def put(self, entry: Entry, ttl: float) -> None:
        """Keep it under its key for ``ttl`` seconds, more or less."""

    async def delete(self, key: str) -> None:
        """Let one go."""

    async def purge(self, what: Purge) -> int:
        """Let all go that it takes; how many they were, as far as that is known."""


class MemoryTier:
    """Entries of this process: at most so many, and so many bytes; what was used longest ago goes first.

    Nothing is copied: a hit is the entry itself.  Nothing here awaits.
    """

    def __init__(self, most_bytes: int, most_entries: int, now: Callable[[], float]) -> None:
        self.most_bytes = most_bytes
        self.most_entries = most_entries
        self.bytes = 0
        self.evictions = 0
        self._now = now
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._by_mark: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def get(self, key: str) -> Entry | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.kept_until <= self._now():
            self.delete(key)
            return None
        self._entries.move_to_end(key)
        return entry

    def put(self, entry: Entry) -> None:
        """Keep it; one that is larger than an eighth of all that may be kept would cost too many others, and is not."""
        self.delete(entry.key)
        if entry.size > self.most_bytes // 8 or not self.most_entries:
            return
        self._entries[entry.key] = entry
        for mark in _marks(entry):
            self._by_mark.setdefault(mark, set()).add(entry.key)
        self.bytes += entry.size
        while self.bytes > self.most_bytes or len(self._entries) > self.most_entries:
            self.delete(next(iter(self._entries)))
            self.evictions += 1

    def delete(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self.bytes -= entry.size
        for mark in _marks(entry):
            keys = self._by_mark[mark]
            keys.discard(entry.key)
            if not keys:
                del self._by_mark[mark]

    def purge(self, what: Purge) -> int:
        found = [entry.key for entry in self._candidates(what) if what.takes(entry)]
        for key in found:
            self.delete(key)
        return len(found)

    def _candidates(self, what: Purge) -> list[Entry]:
        """Those among which it can find any: a target's without looking at all others."""
        match what.by:
            case "key":
                return [self._entries[what.value]] if what.value in self._entries else []
            case "uri":
                return self._marked(path_of(what.value))
            case "path":
                return self._marked(folded(what.value))
            case "tag":
                return self._marked(f"#{what.value}")
        return list(self._entries.values())

    def _marked(self, mark: str) -> list[Entry]:
        return [self._entries[key] for key in self._by_mark.get(mark, ())]


def _marks(entry: Entry) -> list[str]:
    """By what it can be found without looking at all others: its path and its tags."""
    return [path_of(entry.uri), *(f"#{tag}" for tag in entry.tags)]
