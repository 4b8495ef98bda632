"""Marks: words in Redis that change when something is purged, and what an entry there remembers of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeAlias

from .entry import Entry
from .tiers import Purge, begins, folded, path_of

Marks: TypeAlias = tuple[bytes, ...]
"""What the marks of one key are: of everything, of prefixes, of tags, of its partition, of its path.  Empty: none."""

REMEMBERED = 4
"""Marks of one key that are remembered, with the time at which each was first seen."""

ALL, PREFIXES, TAGS = "all", "prefixes", "tags"


def partition_mark(partition: str) -> str:
    return f"partition {partition}"


def path_mark(path: str) -> str:
    return f"path {path}"


def tag_mark(tag: str) -> str:
    return f"tag {tag}"


def marks_of(key: str) -> tuple[str, ...]:
    """The names of the marks that concern what lies under a key, in the order of ``Marks``."""
    _, partition, uri = key.split(" ")[:3]
    return ALL, PREFIXES, TAGS, partition_mark(partition), path_mark(path_of(uri))


def changed_by(what: Purge) -> tuple[str, ...]:
    """The names of those that a purge changes; they may be wider than it: what is gone too much is asked for again."""
    fixed = {"all": (ALL,), "prefix": (PREFIXES,), "tag": (TAGS, tag_mark(what.value))}
    if what.by in fixed:
        return fixed[what.by]
    if what.by == "partition":
        return (partition_mark(what.value),)
    if what.by == "path":
        return (path_mark(folded(what.value)),)
    return (path_mark(path_of(what.value.split(" ")[2] if what.by == "key" else what.value)),)


class Seen:
    """Marks as they were seen, by key and time: an answer is kept with those from before it was asked for.

    So a purge between the asking and the keeping is never missed, whoever made it, and no two clocks are compared.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: OrderedDict[int, list[tuple[float, Marks]]] = OrderedDict()

    def note(self, key: str, now: float, marks: Marks) -> None:
        base = _base(key)
        known = self._seen.setdefault(base, [])
        self._seen.move_to_end(base)
        if not known or known[-1][1] != marks:
            known.append((now, marks))
            del known[:-REMEMBERED]
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def before(self, entry: Entry) -> Marks | None:
        """The last that were seen before it was asked for."""
        known = self._seen.get(_base(entry.key), ())
        return next((marks for at, marks in reversed(known) if at <= entry.requested), None)


def _base(key: str) -> int:
    """Variants share the marks of their target.  A hash that nobody can aim at: a target may be as long as a head."""
    return hash(" ".join(key.split(" ")[:3]))


class Prefixes:
    """Prefixes that were purged, oldest first, each with the mark that it left."""

    def __init__(self, items: Sequence[tuple[bytes, str]] = ()) -> None:
        self._items = list(items)

    @property
    def last(self) -> bytes:
        return self._items[-1][0] if self._items else b""

    def take(self, entry: Entry, since: bytes) -> bool:
        """Whether any of them after the mark ``since`` takes it, or may have."""
        marks = [mark for mark, _ in self._items]
        after = self._items[marks.index(since) + 1 :] if since in marks else self._items
        forgotten = since not in marks and since != b""
        return forgotten or any(begins(entry.uri, each) for _, each in after)
