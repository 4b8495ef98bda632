"""A Redis Cluster: redis-py knows its nodes; each turn's calls are one pipeline for each node that they concern."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ClusterError, RedisClusterException
from redis.exceptions import ConnectionError as Broken
from redis.exceptions import TimeoutError as Late

from gateway.store.address import Address
from gateway.store.link import Command, Link, down
from gateway.store.wire import options_of

_AWAY = (Broken, Late, ClusterError, RedisClusterException, OSError)


class Nodes(Link):
    """One pipeline at a time: what is called meanwhile is joined into the next.

    A node that is away fails the calls that concern it; where all fail, the cluster is looked at anew.
    """

    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__(timeout)
        self._address = address
        self._cluster: RedisCluster | None = None

    async def connect(self) -> None:
        options = options_of(self._address)
        del options["db"]
        self._cluster = RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in self._address.hosts],
            ssl=self._address.tls,
            retry=Retry(NoBackoff(), 1),  # the link tries again
            **options,
        )
        await self._cluster.initialize()

    async def disconnect(self) -> None:
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            with suppress(Exception):  # it may be broken already, in any way
                await cluster.aclose()
            for which in ("nodes_cache", "startup_nodes"):  # also of one that was never reached
                with suppress(Exception):
                    await cluster.nodes_manager.aclose(which)

    async def serve(self) -> None:
        assert self._cluster is not None
        while True:
            batch = await self.next_batch()
            pipeline = self._cluster.pipeline()
            for command, _ in batch.calls:
                pipeline.execute_command(*command)
            replies: list[Any] = await pipeline.execute(raise_on_error=False)
            if all(isinstance(reply, _AWAY) for reply in replies):
                raise replies[0]
            for reply in replies:
                self.answer(down(str(reply)) if isinstance(reply, _AWAY) else reply)

    async def nodes(self) -> Sequence[Any]:
        return () if self._cluster is None else self._cluster.get_primaries()

    async def ask(self, node: Any, command: Command) -> Any:
        try:
            return await node.execute_command(*command)
        except _AWAY as error:
            raise down(str(error)) from error
