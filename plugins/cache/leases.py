"""Leases: of the replicas one asks the upstream, and the others wait for what it keeps, for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from gateway import Exchange

if TYPE_CHECKING:
    from .redis_tier import RedisTier

T = TypeVar("T")

LOOKS = 0.025
"""Seconds between two looks whether another replica has the answer."""


async def lead_or_wait(
    redis: RedisTier, exchange: Exchange, key: str, seconds: float, look: Callable[[], Awaitable[T | None]]
) -> T | None:
    """Take the lease, which is given back at the exchange's end; or what ``look`` finds once another gave its own back.

    None: this one is to ask the upstream, because it leads, has waited for long enough, or Redis is away.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while (word := await redis.lease(key, seconds)) is None and loop.time() < until:
        await asyncio.sleep(LOOKS)
        if not await redis.leased(key) and (found := await look()) is not None:
            return found
    if word:
        exchange.at_end(partial(redis.give_back, key, word))
    return None
