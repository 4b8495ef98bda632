"""One connection to one Redis, or to the master that sentinels name: commands go out without waiting for answers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from math import inf
from typing import Any

import hiredis
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    ConnectionPool,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.exceptions import ConnectionError as Broken
from redis.exceptions import ReadOnlyError, ResponseError

from gateway.store.address import Address
from gateway.store.link import CONNECT_WITHIN, Link


class Wire(Link):
    """Answers come in the order of the commands, and are read as they come."""

    def __init__(self, address: Address, timeout: float) -> None:
        super().__init__(timeout)
        self._sentinel = _sentinel(address) if address.kind == "sentinel" else None
        self._pool = _pool(address, self._sentinel)
        self._connection: AbstractConnection | None = None

    async def connect(self) -> None:
        self._connection = self._pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py is typed in part
        await self._connection.connect()

    async def disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # it may be broken already, in any way
                await connection.disconnect(nowait=True)
        for each in () if self._sentinel is None else self._sentinel.sentinels:
            with suppress(Exception):
                await each.aclose()

    async def serve(self) -> None:
        assert self._connection is not None
        async with asyncio.TaskGroup() as both:
            both.create_task(self._read(self._connection))
            both.create_task(self._write(self._connection))

    async def _write(self, connection: AbstractConnection) -> None:
        while True:
            batch = await self.next_batch()
            packed = [hiredis.pack_command(command) for command, _ in batch.calls]  # type: ignore[arg-type]  # of any length
            await connection.send_packed_command(packed, check_health=False)

    async def _read(self, connection: AbstractConnection) -> None:
        while True:
            reply: Any
            try:
                reply = await connection.read_response(disable_decoding=True, timeout=inf, disconnect_on_error=False)
            except ReadOnlyError as error:
                raise Broken("the server has become a replica") from error
            except ResponseError as error:
                reply = error
            self.answer(reply)


def _sentinel(address: Address) -> Sentinel:
    """Sentinels have no databases, and passwords of their own: none, here."""
    options = options_of(address)
    asking = {name: value for name, value in options.items() if name not in ("db", "username", "password")}
    asking["ssl"] = address.tls
    return Sentinel(list(address.hosts), sentinel_kwargs=asking)  # type: ignore[no-untyped-call]  # as above


def pool_of(address: Address) -> ConnectionPool:
    """One that keeps what it makes, for calls that need not be joined."""
    return _pool(address, _sentinel(address) if address.kind == "sentinel" else None)


def _pool(address: Address, sentinel: Sentinel | None) -> ConnectionPool:
    """It makes connections, and keeps none."""
    options = options_of(address)
    if sentinel is not None:
        secure = {"ssl": True} if address.tls else {}
        return SentinelConnectionPool(address.service, sentinel, **options, **secure)  # type: ignore[no-untyped-call]
    if address.path:
        return ConnectionPool(UnixDomainSocketConnection, path=address.path, **options)
    [(host, port)] = address.hosts
    kind = SSLConnection if address.tls else Connection
    return ConnectionPool(kind, host=host, port=port, **options)


def options_of(address: Address) -> dict[str, Any]:
    """What redis-py is told of every connection.  It retries nothing, and waits for nothing but a connection."""
    names = {"ca": "ssl_ca_certs", "cert": "ssl_certfile", "key": "ssl_keyfile"}
    return {
        "db": address.database,
        "username": address.username,
        "password": address.password,
        "protocol": 2,
        "socket_timeout": None,
        "socket_connect_timeout": CONNECT_WITHIN,
        "driver_info": None,
        **{names[name]: path for name, path in address.files.items()},
    }
