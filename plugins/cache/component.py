from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

from gateway import Component, Scope

from .entry import Entry
from .flights import Flights
from .options import TiersConfig
from .tiers import MemoryTier, Purge, Tier

REMEMBERED = 1000
"""Purges that are remembered, so that an answer which was asked for before one is not kept after it."""


class Cache(Component[TiersConfig]):
    """The tiers of the process, which outlive a reload: the memory, and what stands below it.

    ``below`` are asked in their order where the memory has nothing.  ``counts`` are what became of requests, by route
    and word; ``flights`` the requests that are under way for something that is not here.
    """

    name = "cache"
    Config = TiersConfig

    def __init__(self, config: TiersConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self.memory = MemoryTier(config.memory.bytes, config.memory.entries, scope.clock.now)
        self.below: Sequence[Tier] = ()
        self.flights = Flights(scope.clock.monotonic)
        self.refreshing: set[str] = set()
        self.counts: dict[str, Counter[str]] = {}
        self._purges: deque[tuple[float, Purge]] = deque(maxlen=REMEMBERED)
        self._forgotten = 0.0

    def counts_of(self, route: str) -> Counter[str]:
        return self.counts.setdefault(route, Counter())

    async def find_below(self, key: str) -> Entry | None:
        """What a lower tier has; it is in the memory then."""
        for number, tier in enumerate(self.below):
            entry = await tier.get(key)
            now = self.scope.clock.now()
            if entry is not None and entry.key == key and entry.kept_until > now and not self._is_purged(entry):
                self.memory.put(entry)
                for above in self.below[:number]:
                    await above.put(entry, entry.kept_until - now)
                return entry
        return None

    async def put(self, entry: Entry) -> bool:
        """Keep it in all tiers.  Not where it was purged after it was asked for: then it may be what was to go."""
        ttl = entry.kept_until - self.scope.clock.now()
        if ttl <= 0 or self._is_purged(entry):
            return False
        self.memory.put(entry)
        for tier in self.below:
            await tier.put(entry, ttl)
        return True

    async def delete(self, key: str) -> None:
        self.memory.delete(key)
        for tier in self.below:
            await tier.delete(key)

    async def purge(self, what: Purge) -> int:
        """Everywhere; how many the tier knew that knew most."""
        counts = [self.purge_here(what)]
        counts += [await tier.purge(what) for tier in self.below]
        return max(counts)

    def purge_here(self, what: Purge) -> int:
        """In this process alone: for one of which another replica told."""
        if len(self._purges) == REMEMBERED:
            self._forgotten = self._purges[0][0]
        self._purges.append((self.scope.clock.now(), what))
        return self.memory.purge(what)

    def _is_purged(self, entry: Entry) -> bool:
        """Whether a purge since it was asked for takes it, or may have."""
        if not self._purges or entry.requested > self._purges[-1][0]:
            return False
        if entry.requested <= self._forgotten:
            return True
        return any(at >= entry.requested and what.takes(entry) for at, what in reversed(self._purges))
