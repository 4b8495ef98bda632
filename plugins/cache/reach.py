"""Reach: one Redis by aiocache, which is asked within a bound, and left alone while it does not answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from random import uniform
from typing import Any, TypeVar

import structlog

from gateway import close_pool

log = structlog.get_logger("payguard.cache")

T = TypeVar("T")

AT_ONCE = 64
"""Calls under way together; what comes beyond finds nothing."""

PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds until it is tried again: at first, and at most; each doubles the one before."""


class Away(Exception):
    """It was not asked, or has not answered in time."""


class Reach:
    """``call`` answers within ``timeout`` seconds or raises Away; while there is trouble, it raises at once.

    Nobody waits to find out whether it is back: that is what ``recovered`` does, for whoever keeps it.
    """

    def __init__(self, cache: Any, timeout: float, failures: tuple[type[Exception], ...]) -> None:
        self.trouble: str | None = "it was not reached yet"
        self.counts: Counter[str] = Counter()
        self._cache = cache
        self._timeout = timeout
        self.failures = failures
        """What the driver raises where it fails."""
        self._under_way = 0
        self._pause = PAUSE

    async def call(self, ask: Callable[[Any], Awaitable[T]]) -> T:
        """``ask`` is given aiocache's RedisCache."""
        if self.trouble is not None or self._under_way >= AT_ONCE:
            self.counts["skipped"] += 1
            raise Away
        return await self._ask(ask)

    async def _ask(self, ask: Callable[[Any], Awaitable[T]]) -> T:
        self._under_way += 1
        try:
            async with asyncio.timeout(self._timeout):
                return await ask(self._cache)
        except TimeoutError:
            self.fail(f"no answer within {self._timeout * 1000:g} ms")
            raise Away from None
        except self.failures as error:
            self.fail(str(error) or type(error).__name__)
            raise Away from error
        finally:
            self._under_way -= 1

    def fail(self, reason: str) -> None:
        self.counts["errors"] += 1
        if self.trouble is None:
            log.warning("the cache's Redis does not answer: what the memory has is served", reason=reason)
        self.trouble = reason

    async def recovered(self, catch_up: Callable[[], Awaitable[None]]) -> None:
        """Return once it answers again, and what was missed has been caught up with."""
        while True:
            try:
                await self._ask(lambda cache: cache.client.ping())
                await catch_up()
            except Away:
                await asyncio.sleep(self._pause * uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing
                self._pause = min(self._pause * 2, LONGEST_PAUSE)
            else:
                self._pause, self.trouble = PAUSE, None
                return

    async def urgent(self, ask: Callable[[Any], Awaitable[T]]) -> T:
        """As ``call``, also while there is trouble: for catching up."""
        return await self._ask(ask)

    @property
    def client(self) -> Any:
        """redis-py's, for what waits on purpose: whoever uses it bounds that."""
        return self._cache.client

    async def close(self) -> None:
        await self._cache.client.aclose()
        await close_pool(self._cache.client.connection_pool)
