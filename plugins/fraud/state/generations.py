"""Generations: a bounded table that forgets what is not asked for, for the price of a dictionary."""

from __future__ import annotations


class Generations:
    """At most ``entries`` keys.

    What is kept or used is young.  When the young fill the table, they become the old; from then on each new key takes
    the place of an old one that was not used since, the newest of them first.  A flood of keys that come once so drives
    out the flood.
    """

    def __init__(self, entries: int) -> None:
        self.entries = entries
        self.young: dict[str, bytes] = {}
        self.old: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self.young) + len(self.old)

    def get(self, key: str) -> bytes | None:
        return self.young.get(key) or self.recall(key)

    def recall(self, key: str) -> bytes | None:
        """One of the old, which is young again."""
        value = self.old.pop(key, None)
        if value is not None:
            self.young[key] = value
        return value

    def keep(self, key: str, value: bytes) -> None:
        young = self.young
        if key not in young:
            self.old.pop(key, None)
            if len(young) + len(self.old) >= self.entries:
                self._make_room()
                young = self.young
        young[key] = value

    def _make_room(self) -> None:
        if not self.old:
            self.young, self.old = {}, self.young
        self.old.popitem()
