"""A chain with the cache above an origin in the test's hand; nothing else, and no time but the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from gateway import Exchange, Headers, Principal, Response
from gateway.dataplane.chain import Chain
from gateway.testing import exchange, scope
from gateway.testing.alone import HandScope
from plugins.cache.component import Cache
from plugins.cache.dates import text
from plugins.cache.filter import CacheFilter
from plugins.cache.options import CacheConfig, TiersConfig

Answer = Response | Exception | Callable[[Exchange], Any]


def answered(status: int = 200, body: bytes = b"{}", **headers: str) -> Response:
    """``cache_control="max-age=60"`` is the field ``cache-control``."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Response(status, headers=Headers(raw=raw), body=body)


class Shop:
    """What is asked of it passes the cache; ``sent`` is what reached the origin."""

    def __init__(self, lent: HandScope, options: Mapping[str, Any]) -> None:
        self.scope = lent
        self.clock = lent.clock
        self.cache = next(each for each in lent.components if isinstance(each, Cache))
        self.filter = CacheFilter(CacheConfig.model_validate({"partition": "none", **options}), lent)
        self.sent: list[Exchange] = []
        self.answers: list[Answer] = []
        self.waiting = asyncio.Event()
        self._chain = Chain([(self.filter, "enforce")], self)

    def will_answer(self, *answers: Answer) -> None:
        self.answers += answers

    async def dispatch(self, exchange: Exchange) -> Response:
        self.sent.append(exchange)
        self.waiting.set()
        answer = self.answers.pop(0) if self.answers else answered()
        if isinstance(answer, Exception):
            raise answer
        if not isinstance(answer, Response):
            answer = await answer(exchange)
        return answer

    async def ask(
        self, target: str = "/v1/invoices/7", method: str = "GET", *, by: str | None = None, **headers: str
    ) -> Exchange:
        path, _, query = target.partition("?")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        facts: Iterable[object] = () if by is None else (Principal(by),)
        asked = exchange(method, path, query=query, headers={"host": "shop.example", **named}, facts=facts)
        try:
            await self._chain(asked)
        finally:
            for call in asked.take_at_end():
                await call()
        return asked

    async def told(self, *arguments: Any, **options: Any) -> str:
        """What ``Cache-Status`` says of the answer."""
        return status_of(await self.ask(*arguments, **options))

    def date(self, seconds: float = 0.0) -> str:
        """Now, or so many seconds later."""
        return text(self.clock.now() + seconds).decode()


def status_of(exchange: Exchange) -> str:
    return exchange.answer.headers.get("cache-status", "").removeprefix("Payguard; ")


@pytest.fixture
def lent() -> HandScope:
    made = scope()
    made.components = [Cache(TiersConfig(), made)]
    return made


@pytest.fixture
def shop(lent: HandScope) -> Callable[..., Shop]:
    """Makes one of options; two of them share the tiers."""
    return lambda **options: Shop(lent, options)
