"""Pools: connections to a Redis for what is not the store, made as the store's are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.store.address import parse

if TYPE_CHECKING:
    from redis.asyncio.connection import ConnectionPool


def redis_pool(url: str) -> ConnectionPool:
    """Connections to the one Redis, or to the master that sentinels name, made as the store's are.

    Whoever borrows one bounds its waiting.  ValueError where the URL is wrong, or is that of a cluster.  It imports the
    driver.
    """
    address = parse(url)
    if address.kind == "cluster":
        raise ValueError("a Redis Cluster is not for this: name a single Redis, or sentinels")
    from gateway.store.wire import pool_of  # noqa: PLC0415 - the driver takes memory that nobody else needs

    return pool_of(address)


async def close_pool(pool: ConnectionPool) -> None:
    """Also those to sentinels, which the pool asks where the master is."""
    await pool.disconnect()
    manager = getattr(pool, "sentinel_manager", None)
    for each in () if manager is None else manager.sentinels:
        await each.aclose()
