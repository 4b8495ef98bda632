"""What becomes of answers on their way up: kept, given in another's place, told of; and what unsafe ones take away."""

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
    GatewayError,
    InternalError,
    Pieces,
    Response,
    Scope,
)

from . import answers
from .component import Cache
from .decision import Verdict, is_of, judge, serves_on_error
from .ending import to_its_end
from .entry import Entry
from .fields import Fields, grouped, pieces_in, updated, value_in
from .flights import Landing
from .freshness import ASK_AGAIN, Terms, terms_of
from .invalidation import changed_targets
from .keeping import Answered, dated, entry_of, keep
from .keys import Asked, Keys
from .options import CacheConfig
from .tags import Tags
from .tiers import Purge
from .visit import Visit

FAILURES = frozenset({500, 502, 503, 504})
"""Answers that are errors for ``stale-if-error`` (RFC 5861 §4)."""

_VALIDATE = Verdict.VALIDATE
_LOOK, _GO, _ = Landing
_ETAG, _AUTHORIZATION = BEGINNINGS[b"etag"], BEGINNINGS[b"authorization"]


class Returning:
    """The way up of one route's cache."""

    def __init__(self, config: CacheConfig, scope: Scope, cache: Cache, keys: Keys) -> None:
        self._config = config
        self._cache = cache
        self._keys = keys
        self._route = scope.place
        self._counts = cache.counts_of(scope.place)
        self._now = scope.clock.now
        self._tags = Tags(config.tags)

    async def came(self, exchange: Exchange) -> None:
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
            await self._answered(exchange, visit)

    # failures

    async def _failed(self, exchange: Exchange, visit: Visit, error: GatewayError) -> None:
        """Give what is kept, where the upstream cannot be asked; those who wait are told."""
        if error.status < 500:  # the client has gone, or was refused below: that says nothing to others
            await visit.leave()
            return
        stale = None if isinstance(error, InternalError) else self._stale(exchange, visit, 0)  # a bug is no outage
        visit.fail(error)
        if stale is not None:
            exchange.response, exchange.error = stale, None
        else:
            self.count(exchange, "failed")

    def stale_for(self, exchange: Exchange, visit: Visit, error: GatewayError) -> Response:
        """For one who waited for a request that failed: where nothing may be given, it fails alike."""
        stale = None if isinstance(error, InternalError) else self._stale(exchange, visit, 0)
        if stale is None:
            raise error
        return stale

    def _stale(self, exchange: Exchange, visit: Visit, status: int) -> Response | None:
        """What is kept, where the upstream fails and that is allowed."""
        entry, now = visit.entry, self._now()
        if entry is None or not serves_on_error(entry, visit.asked.directives, now):
            return None
        self.count(exchange, "stale_if_error")
        said = answers.forwarded(visit.why, status=status, detail="stale-if-error") if self._config.status else None
        return answers.answer(entry, visit.asked, now, said)

    # answers of the upstream's own

    async def _answered(self, exchange: Exchange, visit: Visit) -> None:
        """It is kept, where that may be."""
        response = exchange.answer
        pieces = pieces_in(response)
        fields = grouped(pieces)
        terms = self._terms(response.status, fields, response.body.length, visit)
        if isinstance(terms, str):
            visit.land(_GO)
            await self._outdated(visit, response)
            self._say(exchange, visit, "uncacheable", detail=terms)
            return
        if response.body.data is None:
            source = self._taking(exchange, visit, terms, pieces, response.body)
            response.body = Body(source=source, length=response.body.length)
            self._say(exchange, visit, "miss", stored=True)
            return
        answered = Answered(response.status, pieces, fields, response.body.data, terms, visit.requested, self._now())
        self._say(exchange, visit, "miss", stored=await self._store(visit, answered))

    def _terms(self, status: int, fields: Fields, length: int | None, visit: Visit) -> Terms | str:
        if length is not None and length > self._config.largest:
            return "too-large"
        if any(value.startswith(b"text/event-stream") for value in fields.get(b"content-type", ())):
            return "event-stream"
        return terms_of(
            status,
            fields,
            self._config,
            self._now(),
            authorized=_AUTHORIZATION in visit.asked.pieces,
            asked=visit.asked.directives,
        )

    async def _outdated(self, visit: Visit, response: Response) -> None:
        """What is kept goes where a newer answer came that may not be (RFC 9111 §4.3.3)."""
        if visit.entry is not None and response.status < 500 and response.status != 304:
            await self._cache.delete(visit.entry.key)

    async def _store(self, visit: Visit, answered: Answered) -> bool:
        entry = entry_of(visit.asked, answered, self._config)
        entry.tags = self._tags.of(visit.params, answered.pieces, answered.body)
        return await self._keep(visit, entry)

    async def _keep(self, visit: Visit, entry: Entry) -> bool:
        """Keep it, and tell those who wait whether they find it."""
        entry.route = self._route
        stored = await keep(self._cache, entry, visit.asked, self._config.longest)
        visit.land(_LOOK if stored and judge(entry, {}, self._now()) is not _VALIDATE else _GO)
        return stored

    async def _taking(
        self, exchange: Exchange, visit: Visit, terms: Terms, pieces: Pieces, body: Body
    ) -> AsyncGenerator[bytes, None]:
        """The body as it passes; all of it is kept once it was here, where it is not too large."""
        status, pieces, taken, size = exchange.answer.status, list(pieces), list[bytes](), 0
        async with aclosing(body.chunks()) as chunks:
            async for chunk in chunks:
                size += len(chunk)
                if size <= self._config.largest:
                    taken.append(chunk)
                elif size - len(chunk) <= self._config.largest:
                    taken.clear()
                    visit.land(_GO)
                    exchange.note("cache_too_large")
                yield chunk
        if size <= self._config.largest:
            whole, now = b"".join(taken), self._now()
            answered = Answered(status, pieces, grouped(pieces), whole, terms, visit.requested, now)
            await to_its_end(self._store(visit, answered))

    # what was asked after

    async def _validated(self, exchange: Exchange, visit: Visit) -> None:
        """What is kept has not changed: it is fresh again, with what the 304 says (RFC 9111 §4.3.4)."""
        entry = visit.entry
        assert entry is not None
        said = dated(pieces_in(exchange.answer), self._now())
        if not is_of(entry, value_in(said, _ETAG)):
            await self._anew(exchange, visit)
            return
        pieces = updated(entry.pieces, said)
        fields = grouped(pieces)
        found = self._terms(entry.status, fields, len(entry.body), visit)
        terms = ASK_AGAIN if isinstance(found, str) else found
        answered = Answered(entry.status, pieces, fields, entry.body, terms, visit.requested, self._now())
        given = entry_of(visit.asked, answered, self._config)
        given.hits, given.tags = entry.hits, entry.tags
        if isinstance(found, str):
            stored = False
            visit.land(_GO)
            await self._cache.delete(entry.key)
        else:
            stored = await self._keep(visit, given)
        self.count(exchange, "validated")
        said_status = answers.forwarded(visit.why, status=304, stored=stored, collapsed=visit.followed)
        status = said_status if self._config.status else None
        exchange.response = answers.answer(given, visit.asked, self._now(), status)

    async def _anew(self, exchange: Exchange, visit: Visit) -> None:
        """The 304 was about another answer than the one that is kept: that goes, and all of it is asked for."""
        assert visit.plain is not None
        assert visit.entry is not None
        await self._cache.delete(visit.entry.key)
        branch, visit.plain, visit.entry, visit.validating = visit.plain, None, None, False
        exchange.abandon()
        visit.requested = self._now()
        exchange.at_end(partial(_end, branch))
        await branch.descend()
        exchange.response, exchange.error = branch.response, branch.error
        await self.came(exchange)

    async def refreshed(self, branch: Exchange, asked: Asked, entry: Entry) -> None:
        """Ask after what is kept while it is given; ``branch`` is of one who was given it."""
        visit = Visit(asked, "stale", self._now(), entry)
        try:
            self._counts["refresh"] += 1
            answers.ask_anew(branch.request)
            visit.ask_only_if_changed(branch)
            visit.params = branch.params
            branch.put(visit)
            await branch.descend()
            await self.came(branch)
            await branch.answer.body.buffer(self._config.largest)
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
        for uri in changed_targets(own, pieces_in(exchange.answer)):
            await self._cache.purge(Purge("uri", uri))
        self.count(exchange, "invalidated")

    # what is told

    def count(self, exchange: Exchange, word: str) -> None:
        self._counts[word] += 1
        exchange.note(f"cache_{word}")

    def _say(self, exchange: Exchange, visit: Visit, word: str, *, stored: bool = False, detail: str = "") -> None:
        """Of an answer that passes."""
        self._counts[word] += 1
        exchange.note("cache_" + (detail.replace("-", "_") or word))
        if self._config.status:
            status = exchange.answer.status if visit.entry is not None else 0
            said = answers.forwarded(visit.why, status=status, stored=stored, collapsed=visit.followed, detail=detail)
            answers.tell(exchange.answer, said)


async def _end(branch: Exchange) -> None:
    for call in branch.take_at_end():
        await call()
    branch.abandon()
