import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.arrivals import at_rate
from bench.load import LoadFailed, closed_loop, probe
from bench.workload import GET, POST


@contextmanager
def origin(status: int = 200, stall: float = 0.0) -> Iterator[int]:
    """A server in a thread that answers every request with ``status``, after ``stall`` seconds."""
    loop = asyncio.new_event_loop()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if b"Content-Length: 600" in head:
                    await reader.readexactly(600)
                await asyncio.sleep(stall)
                writer.write(b"HTTP/1.1 %d x\r\nContent-Length: 2\r\n\r\n{}" % status)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    server = loop.run_until_complete(asyncio.start_server(answer, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_ended(loop, server))
        loop.close()


async def _ended(loop: asyncio.AbstractEventLoop, server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # what was aborted is closed in the next turn


@pytest.mark.parametrize("workload", [GET, POST])
def test_every_answer_counts_once(workload) -> None:
    with origin() as port:
        load = closed_loop(port, workload, 0.2, 4)

    assert load.requests > 4
    assert 0 < load.p50 <= load.p99


@pytest.mark.parametrize("status", [302, 404, 503])
def test_answers_that_are_not_2xx_are_a_failure(status: int) -> None:
    with origin(status) as port:
        with pytest.raises(LoadFailed, match="failed"):
            closed_loop(port, GET, 0.1, 2)
        with pytest.raises(LoadFailed, match=f"{status} instead of 2xx"):
            probe(port, GET)


def test_a_fixed_rate_asks_as_often_as_it_says() -> None:
    with origin() as port:
        load = at_rate(port, POST, rate=200, seconds=0.5, connections=4)

    assert load.requests == 100


def test_waiting_for_a_connection_counts_as_latency() -> None:
    with origin(stall=0.02) as port:
        load = at_rate(port, GET, rate=100, seconds=0.3, connections=1)

    assert load.p99 > 0.2  # 30 requests, due within 300 ms, answered one after the other, 20 ms each
