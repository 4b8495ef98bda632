from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.dataplane.clients import ClientLimits, Clients
from tests.gateway.dataplane.harness import until

LIMITS = ClientLimits(header_timeout=0.08, linger=0.04)


class Connection:
    def __init__(self) -> None:
        self.swept = asyncio.Event()

    def sweep(self, now: float) -> None:
        self.swept.set()


async def test_connections_are_counted_and_too_many_are_refused():
    clients = Clients(replace(LIMITS, connections=2))
    first, second, third = Connection(), Connection(), Connection()
    assert clients.enter(first)
    assert clients.enter(second)
    assert not clients.enter(third)
    assert (len(clients.connections), clients.refused) == (2, 1)
    clients.leave(first)
    assert clients.enter(third)
    clients.leave(second)
    clients.leave(third)


async def test_every_connection_is_swept_again_and_again():
    clients = Clients(LIMITS)
    connections = Connection(), Connection()
    for connection in connections:
        clients.enter(connection)
    for _ in range(3):
        for connection in connections:
            await connection.swept.wait()
            connection.swept.clear()
    for connection in connections:
        clients.leave(connection)


async def test_sweeping_begins_again_after_all_had_left():
    clients = Clients(LIMITS)
    for _ in range(2):
        connection = Connection()
        clients.enter(connection)
        await connection.swept.wait()
        clients.leave(connection)
        await until(lambda: clients._timer is None)


async def test_it_sweeps_more_often_than_anything_can_be_late():
    assert Clients(LIMITS).interval <= 0.02
    assert Clients(ClientLimits()).interval <= 0.5
    assert Clients(replace(LIMITS, linger=0)).interval > 0
