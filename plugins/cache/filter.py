from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from gateway import (
    BEGINNINGS,
    Body,
    BodyTooLarge,
    Delivery,
    Exchange,
    Filter,
    GatewayError,
    Principal,
    Response,
    Scope,
)

from . import answers
from .component import Cache
from .decision import Verdict, is_of, judge, serves_on_error
from .ending import to_its_end
from .entry import Entry
from .fields import grouped, pieces_in, updated, value_in
from .flights import Landing
from .freshness import ASK_AGAIN, Terms, terms_of
from .invalidation import changed_targets
from .keeping import Answered, entry_of, keep
from .keys import Asked, Keys, variant_key
from .leases import lead_or_wait
from .options import CacheConfig, RefreshConfig
from .tags import Tags
from .tiers import Purge
from .visit import Visit
from .warming import Warming

ROUNDS = 3
"""How often a request waits for another: once for the answer, and again where that is for other requests only."""

FAILURES = frozenset({500, 502, 503, 504})
"""Answers that are errors for ``stale-if-error`` (RFC 5861 §4)."""

_FRESH, _STALE, _REFRESH, _VALIDATE = Verdict
_LOOK, _GO, _LEAD = Landing
_ETAG, _AUTHORIZATION = BEGINNINGS[b"etag"], BEGINNINGS[b"authorization"]
_CONTENT_TYPE = BEGINNINGS[b"content-type"]


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
            raise ValueError(f"is not for a route of payments: {scope.operation} would not reach the upstream")
        self.requires = (Principal,) if config.partition == "principal" else ()
        self._cache = scope.component(Cache)
        self._memory = self._cache.memory
        self._flights = self._cache.flights
        self._counts = self._cache.counts_of(scope.place)
        self._keys = Keys(scope.place, config, scope.hash)
        self._now = scope.clock.now
        self._ages = self._cache.ages_of(scope.place)
        self._tags = Tags(config.tags)
        self._ahead = config.refresh_ahead
        self._lease = 0.0 if self._cache.redis is None else self._cache.redis.config.coalesce
        self._warmings = [Warming(scope.place, each, scope) for each in config.warm]

    async def open(self) -> None:
        if self._warmings:
            self._cache.warmings[self.scope.place] = self._warmings

    async def close(self) -> None:
        if self._cache.warmings.get(self.scope.place) is self._warmings:
            del self._cache.warmings[self.scope.place]

    # down

    async def on_request(self, exchange: Exchange) -> Response | None:
        request = exchange.request
        if request.method not in ("GET", "HEAD"):
            return None
        asked = self._keys.asked(exchange)
        if asked.passes or request.body.length != 0:
            exchange.put(Visit(asked, "bypass", self._now()))
            return None
        entry, key = await self._find(asked)
        if entry is not None and (given := self._given(exchange, asked, entry)) is not None:
            return given
        return await self._absent(exchange, asked, entry, key)

    async def _find(self, asked: Asked) -> tuple[Entry | None, str]:
        """What is kept for it, and where it lies or would."""
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
        if verdict is _REFRESH or (self._ahead is not None and self._is_hot(entry, now, self._ahead)):
            self._refresh(exchange, asked, entry)
        word = "hit" if verdict is _FRESH else "stale"
        self._counts[f"{word}_below" if asked.below else word] += 1
        self._ages.add(now - entry.born)
        exchange.note("cache_hit" if verdict is _FRESH else "cache_stale")
        entry.hits += 1
        return answers.answer(entry, asked, now, answers.hit(entry, now) if self.config.status else None)

    def _is_hot(self, entry: Entry, now: float, ahead: RefreshConfig) -> bool:
        """Whether it was asked for often, will soon be stale, and may be asked after."""
        return (
            now - entry.born > entry.lifetime * ahead.from_
            and entry.hits >= ahead.after
            and len(self._cache.refreshing) < ahead.at_once
        )

    async def _absent(self, exchange: Exchange, asked: Asked, entry: Entry | None, key: str) -> Response | None:
        """Ask the upstream, or wait for what another asks."""
        if "only-if-cached" in asked.directives:
            self._count(exchange, "only_if_cached")
            raise answers.NotCached("There is no such answer here that may be given")
        visit = Visit(asked, "miss" if entry is None else "stale", self._now(), entry)
        if entry is not None and judge(entry, {}, visit.requested) is _FRESH:
            visit.why = "request"
        if self._joins(exchange, asked):
            answer = await self._join(exchange, visit, key)
            if answer is None and visit.flight is not None and self._lease:
                answer = await self._elsewhere(exchange, visit, key)
            if answer is not None:
                return answer
        entry = visit.entry
        if entry is not None and exchange.request.method == "GET":
            visit.plain = exchange.branch() if entry.etag is not None else None
            visit.validating = answers.validating(exchange.request, entry)
        visit.requested = self._now()
        visit.params = exchange.params
        exchange.put(visit)
        if visit.flight is not None:
            exchange.at_end(visit.leave)
        return None

    def _joins(self, exchange: Exchange, asked: Asked) -> bool:
        return (
            self.config.coalesce
            and exchange.request.method == "GET"
            and not asked.conditional
            and "no-store" not in asked.directives
        )

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
                return self._stale_for(exchange, visit, error)
            if how is _LEAD:
                visit.flight = flight
                return None
            if how is not _LOOK:
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

    def _stale_for(self, exchange: Exchange, visit: Visit, error: GatewayError) -> Response:
        """For one who waited for a request that failed: where nothing may be given, it fails alike."""
        stale = self._stale(exchange, visit, 0)
        if stale is None:
            raise error
        return stale

    # up

    async def on_response(self, exchange: Exchange) -> None:
        visit = exchange.get(Visit)
        if visit is None:
            if not exchange.safe:
                await self._invalidate(exchange)
        elif exchange.error is not None:
            await self._failed(exchange, visit, exchange.error)
        elif exchange.request.method == "HEAD" or visit.why == "bypass":
            self._say(exchange, visit, "passed")
        elif visit.validating and exchange.answer.status == 304:
            await self._validated(exchange, visit)
        elif exchange.answer.status in FAILURES and (stale := self._stale(exchange, visit, exchange.answer.status)):
            exchange.abandon()
            exchange.response = stale
            visit.land(_GO)
        else:
            await self._came(exchange, visit)

    async def _failed(self, exchange: Exchange, visit: Visit, error: GatewayError) -> None:
        """Give what is kept, where the upstream cannot be asked; those who wait are told."""
        if error.status < 500:  # the client has gone, or was refused below: that says nothing to others
            await visit.leave()
            return
        stale = self._stale(exchange, visit, 0)
        if visit.flight is not None:
            visit.flight.fail(error)
        if stale is not None:
            exchange.response, exchange.error = stale, None
        else:
            self._count(exchange, "failed")

    def _stale(self, exchange: Exchange, visit: Visit, status: int) -> Response | None:
        """What is kept, where the upstream fails and that is allowed."""
        entry, now = visit.entry, self._now()
        if entry is None or not serves_on_error(entry, visit.asked.directives, now):
            return None
        self._count(exchange, "stale_if_error")
        said = answers.forwarded("stale", status=status, detail="stale-if-error") if self.config.status else None
        return answers.answer(entry, visit.asked, now, said)

    async def _came(self, exchange: Exchange, visit: Visit) -> None:
        """An answer of the upstream's own: it is kept, where that may be."""
        response = exchange.answer
        terms = self._terms(response, visit)
        if isinstance(terms, str):
            visit.land(_GO)
            await self._outdated(visit, response)
            self._say(exchange, visit, "uncacheable", detail=terms)
            return
        if response.body.data is None:
            self._say(exchange, visit, "miss", stored=True)
            source = self._taking(visit, response, terms, exchange, response.body)
            response.body = Body(source=source, length=response.body.length)
            return
        stored = await self._store(visit, response.status, pieces_in(response), response.body.data, terms)
        self._say(exchange, visit, "miss", stored=stored)

    def _terms(self, response: Response, visit: Visit) -> Terms | str:
        pieces = pieces_in(response)
        length = response.body.length
        if length is not None and length > self.config.largest:
            return "too-large"
        if (value_in(pieces, _CONTENT_TYPE) or b"").startswith(b"text/event-stream"):
            return "event-stream"
        return terms_of(
            response.status,
            grouped(pieces),
            self.config,
            self._now(),
            authorized=_AUTHORIZATION in visit.asked.pieces,
            asked=visit.asked.directives,
        )

    async def _outdated(self, visit: Visit, response: Response) -> None:
        """What is kept goes where a newer answer came that may not be (RFC 9111 §4.3.3)."""
        if visit.entry is not None and response.status < 500 and response.status != 304:
            await self._cache.delete(visit.entry.key)

    async def _store(self, visit: Visit, status: int, pieces: list[bytes], body: bytes, terms: Terms) -> bool:
        """Keep it, and tell those who wait whether they find it."""
        entry = entry_of(visit.asked, Answered(status, pieces, body, terms, visit.requested, self._now()), self.config)
        entry.route = self.scope.place
        entry.tags = self._tags.of(visit.params, pieces, body)
        stored = len(body) <= self.config.largest and await keep(self._cache, entry, visit.asked, self.config.longest)
        visit.land(_LOOK if stored and judge(entry, {}, self._now()) is not _VALIDATE else _GO)
        return stored

    async def _taking(
        self, visit: Visit, response: Response, terms: Terms, exchange: Exchange, body: Body
    ) -> AsyncGenerator[bytes, None]:
        """The body as it passes; all of it is kept once it was here, where it is not too large."""
        pieces, taken, size = list(pieces_in(response)), [], 0
        async with aclosing(body.chunks()) as chunks:
            async for chunk in chunks:
                size += len(chunk)
                if size <= self.config.largest:
                    taken.append(chunk)
                elif taken:
                    taken.clear()
                    visit.land(_GO)
                    exchange.note("cache_too_large")
                yield chunk
        if size <= self.config.largest:
            await to_its_end(self._store(visit, response.status, pieces, b"".join(taken), terms))

    async def _validated(self, exchange: Exchange, visit: Visit) -> None:
        """What is kept has not changed: it is fresh again, with what the 304 says (RFC 9111 §4.3.4)."""
        entry = visit.entry
        assert entry is not None
        said = pieces_in(exchange.answer)
        if not is_of(entry, value_in(said, _ETAG)):
            await self._anew(exchange, visit)
            return
        pieces = updated(entry.pieces, said)
        terms = self._terms(Response(entry.status, pieces=pieces, body=entry.body), visit)
        now = self._now()
        allowed = ASK_AGAIN if isinstance(terms, str) else terms
        answered = Answered(entry.status, pieces, entry.body, allowed, visit.requested, now)
        fresh = entry_of(visit.asked, answered, self.config)
        if stored := not isinstance(terms, str):
            fresh.route, fresh.hits, fresh.tags = entry.route, entry.hits, entry.tags
            stored = await keep(self._cache, fresh, visit.asked, self.config.longest)
        else:
            await self._cache.delete(entry.key)
        visit.land(_LOOK if stored and judge(fresh, {}, now) is not _VALIDATE else _GO)
        self._count(exchange, "validated")
        status = answers.forwarded(visit.why, status=304, stored=stored, collapsed=visit.followed)
        exchange.response = answers.answer(fresh, visit.asked, now, status if self.config.status else None)

    async def _anew(self, exchange: Exchange, visit: Visit) -> None:
        """The 304 was about another answer than the one that is kept: that goes, and all of it is asked for."""
        assert visit.plain is not None
        assert visit.entry is not None
        await self._cache.delete(visit.entry.key)
        branch, visit.plain, visit.entry, visit.validating = visit.plain, None, None, False
        exchange.abandon()
        visit.requested = self._now()
        await branch.descend()
        exchange.at_end(partial(_end, branch))
        exchange.response, exchange.error = branch.response, branch.error
        await self.on_response(exchange)

    # behind the answer

    def _refresh(self, exchange: Exchange, asked: Asked, entry: Entry) -> None:
        """Ask after it, though nobody waits for that; one at a time."""
        if entry.key in self._cache.refreshing:
            return
        branch = exchange.branch()
        branch.request.method = "GET"
        self._cache.refreshing.add(entry.key)
        if not self.scope.tasks.start(self._refreshed(branch, asked, entry), name="cache: refresh"):
            self._cache.refreshing.discard(entry.key)

    async def _refreshed(self, branch: Exchange, asked: Asked, entry: Entry) -> None:
        visit = Visit(asked, "stale", self._now(), entry)
        try:
            self._counts["refresh"] += 1
            visit.plain = branch.branch() if entry.etag is not None else None
            visit.validating = answers.validating(branch.request, entry)
            visit.params = branch.params
            branch.put(visit)
            await branch.descend()
            await self.on_response(branch)
            await branch.answer.body.buffer(self.config.largest)
        except BodyTooLarge:
            await self._cache.delete(entry.key)
        finally:
            self._cache.refreshing.discard(entry.key)
            await _end(branch)

    async def _invalidate(self, exchange: Exchange) -> None:
        """What an unsafe request has changed, or may have, goes: for everybody (RFC 9111 §4.4)."""
        if exchange.error is None:
            if exchange.answer.status >= 400:
                return
        elif exchange.delivery is not Delivery.UNKNOWN:
            return
        own = self._keys.uri(exchange.request, pieces_in(exchange.request))
        said = pieces_in(exchange.answer)
        for uri in changed_targets(own, said):
            await self._cache.purge(Purge("uri", uri))
        self._count(exchange, "invalidated")

    # what is told

    def _count(self, exchange: Exchange, word: str) -> None:
        self._counts[word] += 1
        exchange.note(f"cache_{word}")

    def _say(self, exchange: Exchange, visit: Visit, word: str, *, stored: bool = False, detail: str = "") -> None:
        """Of an answer that passes."""
        self._counts[word] += 1
        if detail:
            exchange.note(f"cache_{word}", why=detail)
        else:
            exchange.note(f"cache_{word}")
        if self.config.status:
            answer = exchange.answer
            status = answer.status if visit.entry is not None else 0
            said = answers.forwarded(visit.why, status=status, stored=stored, collapsed=visit.followed, detail=detail)
            answers.tell(answer, said)


async def _end(branch: Exchange) -> None:
    for call in branch.take_at_end():
        await call()
    branch.abandon()
