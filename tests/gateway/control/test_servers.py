"""The listeners, over real sockets on a real loop."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from contextlib import asynccontextmanager

import httpx
import pytest
import uvloop

from gateway.control.certificates import tls_context
from gateway.control.servers import Listener, admin_listener, bind, data_listener
from gateway.control.start import BadStart
from gateway.dataplane.clients import ClientLimits, Clients


class Door:
    """An application that answers once its door is open, and tells when someone stands before it."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.entered = asyncio.Event()

    async def __call__(self, scope, receive, send) -> None:
        self.entered.set()
        await self.open.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def listening(app, *, tls: ssl.SSLContext | None = None, clients: Clients | None = None):
    clients = clients or Clients(ClientLimits())
    listener = data_listener(app, bind("127.0.0.1", 0, "--port"), clients, tls)
    await listener.start()
    try:
        yield listener
    finally:
        listener.force()
        await listener.stop(0)


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def open_door(door: Door) -> Door:
    door.open.set()
    return door


def refused(listener: Listener) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(address_of(listener)) != 0


def address_of(listener: Listener) -> tuple[str, int]:
    host, _, port = listener.url.partition("://")[2].rpartition(":")
    return host, int(port)


async def test_a_listener_says_where_port_0_led(open_door) -> None:
    async with listening(open_door) as listener, httpx.AsyncClient() as client:
        assert (await client.get(listener.url)).text == "ok"


async def test_the_admin_listener_serves_plain_asgi(open_door) -> None:
    listener = admin_listener(open_door, bind("127.0.0.1", 0, "--admin-port"))
    await listener.start()
    async with httpx.AsyncClient() as client:
        answer = await client.get(listener.url)
    await listener.stop(1)
    assert answer.text == "ok"
    assert "server" not in answer.headers


def test_a_taken_port_is_one_line_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as owner:
        port = owner.getsockname()[1]
        with pytest.raises(BadStart) as bad:
            bind("127.0.0.1", port, "--port")
    assert bad.value.lines == (f"cannot listen on 127.0.0.1:{port} (--port): address already in use",)


def test_a_host_that_does_not_exist_is_one_line() -> None:
    with pytest.raises(BadStart, match=r"cannot listen on \[::2\]:1 \(PAYGUARD_HOST\): .*") as bad:
        bind("::2", 1, "PAYGUARD_HOST")
    assert len(bad.value.lines) == 1


async def test_a_port_taken_between_bind_and_start_is_one_line_too(open_door) -> None:
    first = bind("127.0.0.1", 0, "--port")
    second = bind("127.0.0.1", first.getsockname()[1], "--port")
    with first, second:
        first.listen()
        with pytest.raises(BadStart, match="address already in use"):
            await admin_listener(open_door, second).start()


def test_no_gateway_runs_deaf_because_another_was_quicker_to_listen(open_door) -> None:
    async def scenario() -> None:
        await admin_listener(open_door, second).start()

    first = bind("127.0.0.1", 0, "--port")
    second = bind("127.0.0.1", first.getsockname()[1], "--port")
    with first, second:
        first.listen()
        with pytest.raises(BadStart, match="address already in use"):
            uvloop.run(scenario())  # it says nothing of a socket that cannot listen


async def test_signals_are_left_to_the_process(open_door) -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with listening(open_door):
        assert signal.getsignal(signal.SIGTERM) is before


async def test_stopping_answers_what_is_in_flight_and_takes_nothing_new(door) -> None:
    async with listening(door) as listener, httpx.AsyncClient() as client:
        in_flight = asyncio.create_task(client.get(listener.url))
        await door.entered.wait()
        stopping = asyncio.create_task(listener.stop(10))
        while not refused(listener):  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0)
        assert not stopping.done()
        door.open.set()
        assert (await in_flight).text == "ok"
        await stopping
        assert listener.cut == 0


def test_stopping_answers_connections_that_the_kernel_accepted_and_nobody_has_seen(open_door) -> None:
    async def scenario() -> None:
        async with listening(open_door) as listener:
            clients = [socket.create_connection(address_of(listener)) for _ in range(20)]  # the loop does not turn
            for client in clients:
                client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await listener.stop(5)
            for client in clients:
                with client:
                    assert client.recv(1000).startswith(b"HTTP/1.1 200")

    uvloop.run(scenario())  # asyncio's own loop drops what it accepts while it closes a server


async def test_clients_are_asked_to_leave_before_the_port_closes_under_them(door) -> None:
    clients = Clients(ClientLimits())
    async with listening(door, clients=clients) as listener, httpx.AsyncClient() as client:
        in_flight = asyncio.create_task(client.get(listener.url))
        await door.entered.wait()
        clients.leaving = True
        door.open.set()
        for answer in (await in_flight, await client.get(listener.url)):
            assert answer.headers["connection"] == "close"
            assert answer.text == "ok"


async def test_an_idle_connection_does_not_delay_stopping(open_door) -> None:
    async with listening(open_door) as listener, httpx.AsyncClient() as client:
        await client.get(listener.url)
        await listener.stop(60)
        assert listener.cut == 0


async def test_what_is_unanswered_at_the_deadline_is_cut_and_counted(door) -> None:
    async with listening(door) as listener, httpx.AsyncClient() as client:
        in_flight = asyncio.create_task(client.get(listener.url))
        await door.entered.wait()
        await listener.stop(0.01)
        assert listener.cut == 1
        with pytest.raises(httpx.RemoteProtocolError):
            await in_flight


async def test_force_ends_a_stop_that_waits(door) -> None:
    async with listening(door) as listener, httpx.AsyncClient() as client:
        in_flight = asyncio.create_task(client.get(listener.url))
        await door.entered.wait()
        stopping = asyncio.create_task(listener.stop(3600))
        listener.force()
        await stopping
        assert listener.cut == 1
        await asyncio.wait([in_flight])
        assert isinstance(in_flight.exception(), httpx.RemoteProtocolError)


async def test_the_data_port_speaks_tls_with_the_files_it_was_given(open_door, files, authority_ca) -> None:
    trust = ssl.create_default_context()
    authority_ca.configure_trust(trust)
    async with listening(open_door, tls=tls_context(*files)) as listener, httpx.AsyncClient(verify=trust) as client:
        assert listener.url.startswith("https://")
        assert (await client.get(listener.url)).text == "ok"


async def test_a_tls_handshake_has_the_time_of_a_head(open_door, files) -> None:
    clients = Clients(ClientLimits(header_timeout=0.1))
    async with listening(open_door, tls=tls_context(*files), clients=clients) as listener:
        reader, writer = await asyncio.open_connection(*address_of(listener))
        async with asyncio.timeout(10):  # asyncio itself would wait for a minute
            assert await reader.read() == b""
        writer.close()


def test_a_handshake_that_never_comes_does_not_hold_up_stopping(open_door, files) -> None:
    async def scenario() -> None:
        async with listening(open_door, tls=tls_context(*files)) as listener:
            with socket.create_connection(address_of(listener)):  # the loop does not turn
                async with asyncio.timeout(5):  # the handshake may take 10 s
                    await listener.stop(0.1)

    uvloop.run(scenario())
