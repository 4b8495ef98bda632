from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import inf
from typing import Any

from gateway import Exchange, Filter, Procedure, Scope

from .apart import joined
from .blocks import Blocks
from .decision import decide, spend
from .lua import DECIDE as DECIDE_LUA
from .lua import SPEND as SPEND_LUA
from .options import RateLimitConfig
from .plan import Asked, Plan
from .problems import RateLimited, blocked, limited, names_of, policy_field
from .subjects import block_key, needs

DECIDE = Procedure("rate_limit.decide", decide, DECIDE_LUA)
SPEND = Procedure("rate_limit.spend", spend, SPEND_LUA)

QUIET = 60.0
"""Seconds in which one limit that is exceeded is told of once."""


class RateLimit(Filter[RateLimitConfig]):
    """429 ``rate_limited`` where a limit has no room, 429 ``blocked`` for who is on the block list.

    All limits are decided in one step of the store; a refusal takes nothing of any.  What counts failures looks for
    room on the way down, and takes it on the way up.
    """

    name = "rate_limit"
    Config = RateLimitConfig

    def __init__(self, config: RateLimitConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        subjects = [each.per for each in config.limits]
        self.requires = tuple(dict.fromkeys(fact for per in subjects for fact in needs(per)))
        facts = [per.removeprefix("fact:").partition(".")[0] for per in subjects if per and per.startswith("fact:")]
        self.requires_named = tuple(dict.fromkeys(facts))
        self._store = scope.store_or_local if config.failure_mode == "local" else scope.store
        self._blocks = scope.component(Blocks)
        self._mirrors = scope.mode == "enforce" and scope.local is not scope.store
        self._plan = Plan(config, scope)
        self._names = names_of(config.limits)
        self._policy = policy_field(self._names, config.limits)
        self._counts_failures = any(each.count == "failures" for each in config.limits)
        self._told: dict[str, tuple[float, int]] = {}

    async def on_request(self, exchange: Exchange) -> None:
        asked = self._plan.of(exchange)
        if self._store.together:
            told = await self._store.run(DECIDE, asked.keys, asked.arguments)
        else:
            told = await self._decide_apart(asked)
        if told is not None:
            raise await self._refusal(exchange, asked, told)

    async def on_response(self, exchange: Exchange) -> None:
        if self._counts_failures and (exchange.attempts or exchange.error is not None):
            asked = self._plan.of(exchange)
            numbered = zip(asked.numbers, asked.rules, strict=True)
            failed = [rule for number, rule in numbered if self._fails(number, exchange)]
            run = self.scope.store_or_local.run  # what became of the request is no longer to be changed
            await asyncio.gather(*(run(SPEND, [asked.keys[each.key]], (0, [each._replace(key=0)])) for each in failed))

    def _fails(self, number: int, exchange: Exchange) -> bool:
        """Whether this limit counts what became of it.  What was answered here again, of a repeat, is no failure."""
        limit = self.config.limits[number]
        if limit.count != "failures":
            return False
        return exchange.answer.status in limit.failures or exchange.outcome == "failed"

    async def _decide_apart(self, asked: Asked) -> list[Any] | None:
        """By subject; where one refuses, the others are given back what they took."""
        parts = asked.parts
        told = await asyncio.gather(*(self._store.run(DECIDE, part.keys, part.arguments) for part in parts))
        whole = joined(parts, told)
        if whole is not None:
            took = [part for part, said in zip(parts, told, strict=True) if said is None and part.back]
            await asyncio.gather(*(self._store.run(SPEND, part.keys, part.back) for part in took))
        return whole

    async def _refusal(self, exchange: Exchange, asked: Asked, told: Sequence[Any]) -> RateLimited:
        if told[0] == "blocked":
            return await self._blocked(exchange, asked.blocks[told[1]], told[2])
        waits = [(asked.numbers[int(number)], wait) for number, wait in told[1]]
        names = [self._names[number] for number, _ in waits]
        exchange.note("rate_limited", limits=names)
        for name in names:
            self._tell(name)
        placed = told[2] if len(told) > 2 else ()
        for number, seconds in placed:
            await self._place(exchange, asked, int(number), seconds)
        longest = max((seconds for _, seconds in placed), default=0.0)
        return limited(self._policy, [(self._names[number], wait) for number, wait in waits], longest)

    async def _blocked(self, exchange: Exchange, digest: str, left: float) -> RateLimited:
        exchange.note("blocked", id=digest)
        if self._mirrors and await self.scope.local.get(block_key(digest)) is None:
            said = await self.scope.store_or_local.get(block_key(digest))
            if said is not None:
                await self._blocks.seen(digest, said, left)
        return blocked(left)

    async def _place(self, exchange: Exchange, asked: Asked, number: int, seconds: float) -> None:
        """A key that was blocked by this decision.  In shadow that is nobody's but the shadow's."""
        digest = asked.blocks[number]
        exchange.note("key_blocked", id=digest, seconds=seconds)
        if self.scope.mode == "enforce":
            rule = next(each for each in asked.rules if each.punishment and each.punishment.block == number)
            assert rule.punishment
            await self._blocks.placed(digest, rule.punishment.note.encode(), seconds)

    def _tell(self, name: str) -> None:
        """Of a limit that is exceeded, now and then; how often it was meanwhile goes with it."""
        now = self.scope.clock.monotonic()
        since, count = self._told.get(name, (-inf, 0))
        if now - since < QUIET:
            self._told[name] = since, count + 1
            return
        self._told[name] = now, 0
        self.scope.event(
            "rate_limit_exceeded", severity="info", route=self.scope.place, limit=name, refused_before=count
        )
