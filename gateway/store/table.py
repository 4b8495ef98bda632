"""The bounded table: keys to values with a time to live, of which the least valuable are forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from math import ceil
from typing import Any

HELD_SHARE = 4
"""What is held takes a quarter of the table at most: so much is spared from whoever comes with ever fresh keys."""

MOVED = 8
"""Entries whose time was extended, that one write puts where they now belong, at most."""


class Entry:
    """``second`` is the bucket that it is in: never one after that of ``expires``, but maybe one long before."""

    __slots__ = ("expires", "held", "second", "value")

    def __init__(self, value: Any, expires: float, second: int, *, held: bool) -> None:
        self.value = value
        self.expires = expires
        self.second = second
        self.held = held


class BoundedTable:
    """At most ``most`` entries; every operation is O(1).

    A write into a full one forgets what expired a second ago or more; else what was not used for longest and is not
    held; else, of what is held, that.
    """

    __slots__ = ("_clock", "_due", "_expiring", "_held", "_most", "_most_held", "_plain", "now")

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self.now = clock()
        self._clock = clock
        self._most = most
        self._most_held = max(1, most // HELD_SHARE)
        self._plain: OrderedDict[str, Entry] = OrderedDict()
        self._held: OrderedDict[str, Entry] = OrderedDict()
        self._expiring: dict[int, dict[str, None]] = {}
        """Keys by the second at whose start they may all have expired; a heap would cost O(log n) and pauses."""
        self._due = int(self.now)

    def __len__(self) -> int:
        return len(self._plain) + len(self._held)

    def __iter__(self) -> Iterator[str]:
        yield from self._held
        yield from self._plain

    def look(self) -> None:
        """At the clock: what follows happens now."""
        self.now = self._clock()

    def entry(self, key: str) -> Entry | None:
        """Where there is one that has not expired; it then was used."""
        entry = self._plain.get(key)
        if entry is not None:
            if entry.expires <= self.now:
                return None
            self._plain.move_to_end(key)
            return entry
        entry = self._held.get(key)
        if entry is None or entry.expires <= self.now:
            return None
        self._held.move_to_end(key)
        return entry

    def get(self, key: str) -> Any:
        """As ``entry``; said again, as every decision asks for several."""
        table = self._plain
        entry = table.get(key)
        if entry is None:
            table = self._held
            entry = table.get(key)
            if entry is None:
                return None
        if entry.expires <= self.now:
            return None
        table.move_to_end(key)
        return entry.value

    def left(self, key: str) -> float:
        entry = self.entry(key)
        return 0.0 if entry is None else entry.expires - self.now

    def extend(self, key: str, ttl: float) -> None:
        entry = self.entry(key)
        if entry is not None:
            self._until(key, entry, self.now + ttl)

    def put(self, key: str, value: Any, ttl: float, *, hold: bool = False) -> None:
        entry = self.entry(key)
        if entry is None or (hold and not entry.held):
            self.remove(key)
            self._add(key, value, self.now + ttl, hold=hold)
        else:
            entry.value = value
            self._until(key, entry, self.now + ttl)

    def remove(self, key: str) -> None:
        entry = self._plain.pop(key, None) or self._held.pop(key, None)
        if entry is not None:
            self._leave(key, entry)

    def clear(self) -> None:
        self._plain.clear()
        self._held.clear()
        self._expiring.clear()

    def _add(self, key: str, value: Any, expires: float, *, hold: bool) -> None:
        self._forget_one_expired()
        if hold and len(self._held) >= self._most_held:
            self.remove(next(iter(self._held)))
        if len(self) >= self._most:
            self.remove(next(iter(self._plain or self._held)))
        second = ceil(expires)
        (self._held if hold else self._plain)[key] = Entry(value, expires, second, held=hold)
        self._expiring.setdefault(second, {})[key] = None

    def _until(self, key: str, entry: Entry, expires: float) -> None:
        """One that is to stay for longer changes its bucket when that is due; one for less long, at once."""
        entry.expires = expires
        if (second := ceil(expires)) < entry.second:
            self._move(key, entry, second)

    def _move(self, key: str, entry: Entry, second: int) -> None:
        self._leave(key, entry)
        entry.second = second
        self._expiring.setdefault(second, {})[key] = None

    def _leave(self, key: str, entry: Entry) -> None:
        keys = self._expiring[entry.second]
        del keys[key]
        if not keys:
            del self._expiring[entry.second]

    def _forget_one_expired(self) -> None:
        """One for each that is added is enough to keep up, and none pays for the many that expire together."""
        now, moved = int(self.now), 0
        while self._due <= now and moved < MOVED:
            keys = self._expiring.get(self._due)
            if not keys:
                self._due += 1
                continue
            key = next(iter(keys))
            entry = self._plain.get(key) or self._held[key]
            if entry.expires <= self._due:
                self.remove(key)
                return
            self._move(key, entry, ceil(entry.expires))
            moved += 1
