from __future__ import annotations

from gateway import Exchange, Filter, GatewayError, Pieces, Principal, Response, Scope

from . import answers
from .component import Cache
from .decision import Verdict, judge
from .entry import Entry
from .fields import pieces_in
from .flights import Landing
from .keys import Asked, Keys, is_plain, variant_key
from .leases import lead_or_wait
from .options import CacheConfig, RefreshConfig
from .returning import Returning
from .visit import Visit
from .warming import Warming

ROUNDS = 3
"""How often a request waits for another: once for the answer, and again where that is for other requests only."""

_FRESH, _STALE, _REFRESH, _VALIDATE = Verdict  # on CPython 3.11 a look-up in an Enum costs 0.2 µs
_LOOK, _GO, _LEAD = Landing


class CacheFilter(Filter[CacheConfig]):
    """A shared cache by RFC 9111 at its place in the chain: what filters below it do to an answer is kept, too.

    GET and HEAD are answered from what is kept, where that may be; else they pass, and what comes is kept, where that
    may be.  What an unsafe request that passes has changed is let go.
    """

    name = "cache"
    Config = CacheConfig
    rejects_up = ("clear_text",)
    shadowable = False

    def __init__(self, config: CacheConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        if scope.operation is not None and not scope.operation.endswith(".read"):
            raise ValueError(f"is not for a route of payments: a {scope.operation} must reach the upstream each time")
        self.requires = (Principal,) if config.partition == "principal" else ()
        self._cache = scope.component(Cache)
        self._memory = self._cache.memory
        self._flights = self._cache.flights
        self._counts = self._cache.counts_of(scope.place)
        self._keys = Keys(scope.place, config, scope.hash)
        self._returning = Returning(config, scope, self._cache, self._keys)
        self._now = scope.clock.now
        self._ages = self._cache.ages_of(scope.place)
        self._ahead = config.refresh_ahead
        self._lease = 0.0 if self._cache.redis is None else self._cache.redis.config.coalesce
        self._warmings = [Warming(scope.place, each, scope) for each in config.warm]

    async def open(self) -> None:
        if self._warmings:
            self._cache.warmings[self.scope.place] = self._warmings

    async def close(self) -> None:
        if self._cache.warmings.get(self.scope.place) is self._warmings:
            del self._cache.warmings[self.scope.place]

    async def on_response(self, exchange: Exchange) -> None:
        await self._returning.came(exchange)

    async def on_request(self, exchange: Exchange) -> Response | None:
        request = exchange.request
        if request.method not in ("GET", "HEAD"):
            return None
        pieces = pieces_in(request) if request.pieces is None else request.pieces
        key = self._keys.key(exchange, pieces)
        entry, now = self._memory.get(key), self._now()
        # what judge would say, and answer would make of it, without what most hits need not look at
        if entry is not None and _is_fresh(entry, now) and is_plain(pieces) and request.body.length == 0:
            self._hit(exchange, entry, now)
            if self._ahead is not None and self._is_hot(entry, now, self._ahead):
                self._refresh(exchange, self._keys.asked(key, pieces), entry)
            return Response(entry.status, pieces=entry.pieces + self._own(entry, now), body=entry.body)
        return await self._closely(exchange, self._keys.asked(key, pieces), entry)

    def _hit(self, exchange: Exchange, entry: Entry, now: float, word: str = "hit") -> None:
        self._counts[word] += 1
        self._ages.add(now - entry.born)
        entry.hits += 1
        exchange.decided("hit")

    def _own(self, entry: Entry, now: float) -> Pieces:
        return answers.own(entry, now, answers.hit(entry, now) if self.config.status else None)

    async def _closely(self, exchange: Exchange, asked: Asked, entry: Entry | None) -> Response | None:
        if asked.passes or exchange.request.body.length != 0:
            exchange.put(Visit(asked, "bypass", self._now()))
            return None
        key = asked.key
        if entry is None or not entry.status:
            entry, key = await self._find(asked)
        if entry is not None and (given := self._given(exchange, asked, entry)) is not None:
            return given
        return await self._absent(exchange, asked, entry, key)

    async def _find(self, asked: Asked) -> tuple[Entry | None, str]:
        """What is kept for it, in any tier and variant, and where it lies or would."""
        key = asked.key
        entry = self._memory.get(key)
        if entry is None and self._cache.below:
            entry = await self._below(asked, key)
        if entry is not None and not entry.status:
            key = variant_key(entry, asked.pieces)
            entry = self._memory.get(key)
            if entry is None and self._cache.below:
                entry = await self._below(asked, key)
        return entry, key

    async def _below(self, asked: Asked, key: str) -> Entry | None:
        asked.below = True
        return await self._cache.find_below(key)

    def _given(self, exchange: Exchange, asked: Asked, entry: Entry) -> Response | None:
        """The answer, where what is kept may be it without asking."""
        now = self._now()
        verdict = judge(entry, asked.directives, now)
        if verdict is _VALIDATE:
            return None
        if verdict is _REFRESH:
            self._refresh(exchange, asked, entry)
        if verdict is _FRESH:
            self._hit(exchange, entry, now, "hit_below" if asked.below else "hit")
            if self._ahead is not None and self._is_hot(entry, now, self._ahead):
                self._refresh(exchange, asked, entry)
        else:
            self._returning.count(exchange, "stale_below" if asked.below else "stale")
            self._ages.add(now - entry.born)
            entry.hits += 1
        return answers.answer(entry, asked, now, answers.hit(entry, now) if self.config.status else None)

    def _is_hot(self, entry: Entry, now: float, ahead: RefreshConfig) -> bool:
        """Whether it was asked for often, will soon be stale, and may be asked after."""
        return (
            now - entry.born > entry.lifetime * ahead.from_
            and entry.hits > ahead.after
            and len(self._cache.refreshing) < ahead.at_once
        )

    # what is not here, or not good enough

    async def _absent(self, exchange: Exchange, asked: Asked, entry: Entry | None, key: str) -> Response | None:
        """Ask the upstream, or wait for what another asks."""
        if "only-if-cached" in asked.directives:
            self._returning.count(exchange, "only_if_cached")
            raise answers.NotCached("There is no such answer here that may be given")
        visit = Visit(asked, self._why(entry), self._now(), entry)
        if self._joins(exchange, asked):
            answer = await self._join(exchange, visit, key)
            if answer is None and visit.flight is not None and self._lease:
                answer = await self._elsewhere(exchange, visit, key)
            if answer is not None:
                return answer
        if visit.entry is not None and exchange.request.method == "GET":
            visit.ask_only_if_changed(exchange)
        visit.requested = self._now()
        visit.params = exchange.params
        exchange.put(visit)
        if visit.flight is not None:
            exchange.at_end(visit.leave)
        return None

    def _why(self, entry: Entry | None) -> str:
        """The word of RFC 9211 §2.2 for its being forwarded."""
        if entry is None:
            return "miss"
        return "request" if judge(entry, {}, self._now()) is _FRESH else "stale"

    def _joins(self, exchange: Exchange, asked: Asked) -> bool:
        """Whether one answer can do for it and others: what comes to a condition of one client is for that one."""
        plain = exchange.request.method == "GET" and not asked.conditional
        return self.config.coalesce and plain and "no-store" not in asked.directives

    async def _join(self, exchange: Exchange, visit: Visit, key: str) -> Response | None:
        """Wait for who is under way for it, or be the one; the answer, where there is one by then."""
        for _ in range(ROUNDS):
            flight = self._flights.join(key)
            if flight is None:
                visit.flight = self._flights.begin(key)
                return None
            visit.followed = True
            self._counts["coalesced"] += 1
            try:
                how = await flight.wait(self.config.wait)
            except GatewayError as error:
                return self._returning.stale_for(exchange, visit, error)
            if how is not _LOOK:
                visit.flight = flight if how is _LEAD else None
                return None
            visit.entry, key = await self._find(visit.asked)
            if visit.entry is not None and (given := self._given(exchange, visit.asked, visit.entry)) is not None:
                return given
        return None

    async def _elsewhere(self, exchange: Exchange, visit: Visit, key: str) -> Response | None:
        """Ask for all replicas, or wait for the one that does; the answer, where there is one by then."""

        async def look() -> Response | None:
            visit.entry, _ = await self._find(visit.asked)
            return None if visit.entry is None else self._given(exchange, visit.asked, visit.entry)

        assert self._cache.redis is not None
        try:
            given = await lead_or_wait(self._cache.redis, exchange, key, self._lease, look)
        except BaseException:
            await visit.leave()
            raise
        if given is not None:
            self._counts["coalesced_elsewhere"] += 1
            visit.land(_LOOK)
        return given

    # behind the answer

    def _refresh(self, exchange: Exchange, asked: Asked, entry: Entry) -> None:
        """Ask after it, though nobody waits for that; one at a time."""
        if entry.key in self._cache.refreshing:
            return
        branch = exchange.branch()
        branch.request.method = "GET"
        self._cache.refreshing.add(entry.key)
        if not self.scope.tasks.start(self._returning.refreshed(branch, asked, entry), name="cache: refresh"):
            self._cache.refreshing.discard(entry.key)


def _is_fresh(entry: Entry, now: float) -> bool:
    """Whether it answers whoever asks for nothing special."""
    return entry.status != 0 and not entry.validate and now - entry.born < entry.lifetime
