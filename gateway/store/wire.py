"""One connection to one Redis, or to the master that sentinels name: commands go out without waiting for answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
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
        self._make = _maker(address)
        self._connection: AbstractConnection | None = None

    async def connect(self) -> None:
        self._connection = self._make()
        await self._connection.connect()  # type: ignore[no-untyped-call]  # redis-py is typed in part

    async def disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # it may be broken already, in any way
                await connection.disconnect(nowait=True)

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


def _maker(address: Address) -> Callable[[], AbstractConnection]:
    options = options_of(address)
    if address.kind == "sentinel":
        asking = {name: value for name, value in options.items() if name not in ("db", "username", "password")}
        sentinel = Sentinel(list(address.hosts), sentinel_kwargs=asking)  # type: ignore[no-untyped-call]  # as above
        secure = {"ssl": True} if address.tls else {}
        pool = SentinelConnectionPool(address.service, sentinel, **options, **secure)  # type: ignore[no-untyped-call]
        return pool.make_connection
    if address.path:
        return ConnectionPool(UnixDomainSocketConnection, path=address.path, **options).make_connection
    [(host, port)] = address.hosts
    kind = SSLConnection if address.tls else Connection
    return ConnectionPool(kind, host=host, port=port, **options).make_connection


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
