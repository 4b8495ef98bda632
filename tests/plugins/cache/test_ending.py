from __future__ import annotations

import asyncio

import pytest

from gateway.testing import serve
from plugins.cache.ending import to_its_end
from tests.plugins.cache.replicas import cache_of, read, replica
from tests.plugins.cache.test_redis_tier import until


async def test_a_cancellation_goes_on_after_the_work_is_done() -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        begun.set()
        await go_on.wait()
        done.append(1)

    task = asyncio.create_task(to_its_end(work()))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [1]


async def test_a_result_and_a_failure_are_the_works_own() -> None:
    async def fail() -> None:
        raise OSError("no")

    assert await to_its_end(asyncio.sleep(0, 7)) == 7
    with pytest.raises(OSError, match="no"):
        await to_its_end(fail())


async def test_what_streamed_to_a_client_that_left_with_its_last_byte_is_kept(valkey) -> None:
    """As curl does: it closes the connection once it has all that the length promised."""
    begun = asyncio.Event()

    async def origin(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"pa", "more_body": True})
        await begun.wait()
        valkey.run("CLIENT", "PAUSE", "200", "ALL")  # what is kept now takes its time
        await send({"type": "http.response.body", "body": b"id"})

    async with serve(origin) as url, replica(Where(url), valkey.url, redis="{timeout: 1s}") as client:
        host, _, port = str(client.base_url).rstrip("/").removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /v1/invoices/in_1 HTTP/1.1\r\nhost: shop.example\r\nx-user-id: ada\r\n\r\n")
        await reader.readuntil(b"\r\n\r\npa")
        begun.set()
        await reader.readexactly(2)
        writer.transport.abort()
        await client.ended()
        assert (await read(client)).headers["cache-status"].startswith("Payguard; hit")
        await until(lambda: not len(cache_of(client).flights))


class Where:
    def __init__(self, url: str) -> None:
        self.url = url
