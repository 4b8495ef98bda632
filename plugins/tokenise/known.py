"""Cards that were seen lately."""

from __future__ import annotations


class Known:
    """Tokens by the keyed hashes of their cards: at most ``most``, the one that was not asked for longest goes first.

    Times are in seconds by a monotonic clock.
    """

    __slots__ = ("_entries", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: dict[str, tuple[str, float]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, card: str, now: float) -> str | None:
        entry = self._entries.pop(card, None)
        if entry is None or entry[1] <= now:
            return None
        self._entries[card] = entry
        return entry[0]

    def put(self, card: str, token: str, until: float) -> None:
        self._entries.pop(card, None)
        self._entries[card] = token, until
        while len(self._entries) > self._most:
            del self._entries[next(iter(self._entries))]

    def clear(self) -> None:
        self._entries.clear()
