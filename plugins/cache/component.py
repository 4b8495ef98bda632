from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Sequence
from itertools import takewhile

from starlette.routing import BaseRoute, Route

from gateway import Check, Component, Job, Measure, Scope

from .api import Answers
from .entry import Entry
from .flights import Flights
from .measures import Ages, measures
from .options import TiersConfig
from .purges import Purges
from .redis_tier import RedisTier
from .tiers import MemoryTier, Purge, Tier
from .warming import Warming

REMEMBERED = 1000
"""Purges that are remembered, so that an answer which was asked for before one is not kept after it."""


LONGEST_RUN = 3600.0
"""Seconds that one run of the warming may take."""


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
        self.purges = Purges(self.purge_here)
        self.redis = None if config.redis is None else RedisTier(config.redis, scope, self.purges)
        self.below: Sequence[Tier] = () if self.redis is None else (self.redis,)
        self.flights = Flights(scope.clock.monotonic)
        self.refreshing: set[str] = set()
        self.counts: dict[str, Counter[str]] = {}
        self.ages: dict[str, Ages] = {}
        self.warmings: dict[str, Sequence[Warming]] = {}
        """Of the routes that serve, by their names."""
        self._purges: deque[tuple[float, Purge]] = deque(maxlen=REMEMBERED)
        self._forgotten = 0.0

    async def open(self) -> None:
        if self.redis is not None:
            await self.redis.open()

    async def close(self) -> None:
        if self.redis is not None:
            await self.redis.close()

    def counts_of(self, route: str) -> Counter[str]:
        return self.counts.setdefault(route, Counter())

    def ages_of(self, route: str) -> Ages:
        return self.ages.setdefault(route, Ages())

    @property
    def all_warmings(self) -> list[Warming]:
        return [each for warmings in list(self.warmings.values()) for each in warmings]

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
        since = takewhile(lambda each: each[0] >= entry.requested, reversed(self._purges))
        return any(what.takes(entry) for _, what in since)

    # what the process runs and shows

    def jobs(self) -> Sequence[Job]:
        return (Job("warm", self.warm, every=1.0, timeout=LONGEST_RUN),) if self.all_warmings else ()

    async def warm(self) -> None:
        """Ask for what is due."""
        await asyncio.gather(*(each.run() for each in self.all_warmings if each.due))

    def checks(self) -> Sequence[Check]:
        redis = () if self.redis is None else (Check("redis", self._check_redis),)
        return (*redis, *((Check("warming", self._check_warming),) if self.all_warmings else ()))

    async def _check_redis(self) -> str:
        assert self.redis is not None
        if self.redis.trouble is not None:
            raise RuntimeError(self.redis.trouble)
        return f"{self.redis.counts['hit']} found, {self.redis.counts['miss']} not"

    async def _check_warming(self) -> str:
        """Never a failure: the upstream's own check says whether it is away."""
        told = [f"{each.route}: {each.done + each.failed} of {each.total}" for each in self.all_warmings]
        return ", ".join(told)

    def measures(self) -> Sequence[Measure]:
        return tuple(measures(self))

    def admin_routes(self) -> Sequence[BaseRoute]:
        answers = Answers(self, self.scope)
        return (
            Route("/", answers.show, methods=["GET"]),
            Route("/entries", answers.entries, methods=["GET"]),
            Route("/warming", answers.warming, methods=["GET"]),
            Route("/purge", answers.purge, methods=["POST"]),
        )
