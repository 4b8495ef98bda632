"""``/api/v1/cache``: what the cache holds and does, how far it is warmed, and letting go of what people name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway import DatabaseDown, PersonName, Reason, Scope, author_of, body_of, holds_card, json_answer

from .keys import PURPOSE
from .tiers import Purge

if TYPE_CHECKING:
    from .component import Cache


class Asked(BaseModel):
    """What is to go, and why.  ``principal`` is a kind, whose value is the principal's id, and also a limit to one."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["key", "uri", "path", "prefix", "tag", "principal", "all"]
    value: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    principal: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    reason: Reason
    by: PersonName | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.value is None) is not (self.kind == "all"):
            raise ValueError("a value goes with each kind but all")
        if self.kind == "key" and len((self.value or "").split(" ")) < 3:
            raise ValueError("a key is as the log and GET /api/v1/cache/entries show it")
        if self.kind == "principal" and self.principal is not None:
            raise ValueError("say the principal once, as the value")
        return self


class Answers:
    """JSON, and problems by HTTPException, as the admin port shows them."""

    def __init__(self, cache: Cache, scope: Scope) -> None:
        self._cache = cache
        self._scope = scope

    async def show(self, _: Request) -> Response:
        cache, redis = self._cache, self._cache.redis
        memory = cache.memory
        return json_answer(
            {
                "memory": {
                    "entries": len(memory),
                    "bytes": memory.bytes,
                    "most_entries": memory.most_entries,
                    "most_bytes": memory.most_bytes,
                    "evictions": memory.evictions,
                },
                "redis": redis and {"trouble": redis.trouble, "purges_waiting": cache.purges.waiting, **redis.counts},
                "routes": {route: dict(counts) for route, counts in cache.counts.items()},
            }
        )

    async def entries(self, request: Request) -> Response:
        """Of the memory, those of one path: without their bodies."""
        path = request.query_params.get("path")
        if path is None:
            raise HTTPException(400, "path: say whose entries, such as ?path=/v1/invoices/in_1")
        what, now = Purge("path", path), self._scope.clock.now()
        found = [entry for entry in self._cache.memory if entry.status and what.takes(entry)][:500]
        return json_answer({"items": [_item(entry, now) for entry in found], "next": None})

    async def warming(self, _: Request) -> Response:
        items = [_dated(each.progress) for each in self._cache.all_warmings]
        return json_answer({"items": items, "next": None})

    async def purge(self, request: Request) -> Response:
        asked = body_of(Asked, await request.body(), '{"kind": "path", "value": "…", "reason": "…"}')
        author = author_of(asked.by, request.scope)
        known = 0
        for what in self._purges(asked):
            known += await self._cache.purge(what)
        waiting = self._cache.purges.waiting
        subject = asked.kind if asked.value is None else f"{asked.kind} {self._shown(asked)}"
        entry = self._scope.audit("cache.purge", subject=subject, by=author, reason=asked.reason, known=known)
        self._scope.event("cache_purged", severity="info", subject=subject, by=author, reason=asked.reason)
        try:
            await entry
        except DatabaseDown as error:
            raise HTTPException(503, "It is purged; the database is away, so that the trail says so later") from error
        return json_answer({"purged": known, "everywhere": waiting == 0, "by": author})

    def _purges(self, asked: Asked) -> list[Purge]:
        """One for each salt by which a principal may have been hashed."""
        if asked.kind == "principal":
            return [Purge("partition", each) for each in self._scope.hashes(PURPOSE, asked.value or "")]
        within: tuple[str | None, ...] = (None,)
        if asked.principal is not None:
            within = tuple(self._scope.hashes(PURPOSE, asked.principal))
        return [Purge(asked.kind, asked.value or "", each) for each in within]

    def _shown(self, asked: Asked) -> str:
        """On the trail a principal is its digest."""
        return self._scope.hash(PURPOSE, asked.value or "") if asked.kind == "principal" else asked.value or ""


def _item(entry: Any, now: float) -> dict[str, Any]:
    return {
        "key": _uncarded(entry.key),
        "uri": _uncarded(entry.uri),
        "route": entry.route,
        "status": entry.status,
        "age_seconds": round(entry.age(now), 3),
        "fresh_for_seconds": round(entry.lifetime - entry.age(now), 3),
        "bytes": len(entry.body),
        "hits": entry.hits,
        "tags": list(map(_uncarded, entry.tags)),
    }


def _uncarded(text: str) -> str:
    """A client may have put a card's number into it; by its path an entry can still be purged."""
    return "[masked]" if holds_card(text) else text


def _dated(progress: dict[str, Any]) -> dict[str, Any]:
    for name in ("started_at", "ended_at"):
        if progress[name] is not None:
            progress[name] = datetime.fromtimestamp(progress[name], UTC).isoformat()
    return progress
