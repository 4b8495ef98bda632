from __future__ import annotations

import asyncio
import shutil
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme

from gateway.control import checks
from gateway.control.reloader import PolicyStatus, Rejection
from gateway.database.sqlite import SqliteDatabase
from gateway.dataplane.pool import Address, Pool, PoolOptions
from gateway.store.memory import MemoryStore
from gateway.store.redis import RedisStore
from gateway.telemetry import loop_lag
from gateway.telemetry.loop_lag import LoopLag


async def test_a_loop_that_was_held_up_is_not_well():
    measured: asyncio.Queue[float] = asyncio.Queue()
    lag = LoopLag(measured.put_nowait)
    lag.start()
    check = checks.event_loop(lag)
    assert (await check.run()).endswith("ms late within the last ten seconds")
    time.sleep(loop_lag.EVERY + checks.LAG + 0.05)  # noqa: ASYNC251 - the blocking is what is checked
    await measured.get()
    with pytest.raises(RuntimeError, match="ms late"):
        await check.run()
    lag.stop()


async def test_a_policy_that_was_rejected_is_said_with_its_reasons():
    status = PolicyStatus("policy.yaml", "abc", 0.0)
    check = checks.policy(lambda: status)
    assert await check.run() == "abc"
    status.rejection = Rejection(1.0, ("line 3: unknown filter",), transient=False)
    with pytest.raises(RuntimeError, match="was rejected, abc still serves: line 3: unknown filter"):
        await check.run()
    status.rejection, status.unreadable = None, "No such file"
    with pytest.raises(RuntimeError, match="cannot be read, abc still serves: No such file"):
        await check.run()


async def test_an_upstream_is_well_when_it_takes_a_connection(tmp_path: Path):
    accepted = asyncio.Semaphore(0)

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()
        accepted.release()

    path = str(tmp_path / "backend")
    async with await asyncio.start_server(accept, "127.0.0.1") as tcp, await asyncio.start_unix_server(accept, path):
        port = tcp.sockets[0].getsockname()[1]
        for address in (Address("http", "127.0.0.1", port), Address("http+unix", path=path)):
            assert await checks.upstream("backend", Pool(address, PoolOptions())).run() == "takes connections"
            await accepted.acquire()
    with pytest.raises(OSError, match="Connect call failed"):
        await checks.upstream("backend", Pool(Address("http", "127.0.0.1", port), PoolOptions())).run()


async def test_an_upstream_whose_certificate_nobody_vouches_for_is_not_well():
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting, strange = ssl.create_default_context(), ssl.create_default_context()
    authority.configure_trust(trusting)

    async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(leave, "127.0.0.1", ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        known, unknown = (
            Pool(Address("https", "127.0.0.1", port, tls=tls), PoolOptions()) for tls in (trusting, strange)
        )
        assert await checks.upstream("backend", known).run() == "takes connections"
        with pytest.raises(ssl.SSLCertVerificationError):
            await checks.upstream("backend", unknown).run()


async def test_an_upstream_with_open_connections_is_not_asked():
    class Busy(Pool):
        def stats(self) -> dict[str, int]:
            return {"open": 3}

    nowhere = Busy(Address("http", "127.0.0.1", 1), PoolOptions())
    assert await checks.upstream("backend", nowhere).run() == "3 connections open"


def test_an_upstream_keeps_readiness_away_only_at_first():
    assert checks.upstream("backend", Pool(Address("http"), PoolOptions())).readiness == "first"


def test_a_folder_that_takes_files_is_well_and_left_as_it_was(tmp_path: Path):
    assert asyncio.run(checks.storage(tmp_path).run()).endswith("MiB free")
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_that_is_gone_or_full_is_not_well(tmp_path: Path, monkeypatch):
    with pytest.raises(FileNotFoundError):
        await checks.storage(tmp_path / "gone").run()
    usage = shutil.disk_usage(tmp_path)._replace(free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(RuntimeError, match="1 MiB are free"):
        await checks.storage(tmp_path).run()


async def test_a_disk_that_hangs_is_not_asked_again_before_it_answers(tmp_path: Path, monkeypatch):
    hanging = threading.Event()
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: hanging.wait() and usage)
    check = checks.storage(tmp_path)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await check.run()
    with pytest.raises(RuntimeError, match="has not returned"):
        await check.run()
    hanging.set()


async def test_the_store_is_well_while_it_answers_and_keeps_nothing_from_being_ready():
    check = checks.store(MemoryStore())
    assert (await check.run(), check.readiness) == ("answers", "no")
    away = RedisStore("redis://127.0.0.1:1")
    with pytest.raises(RuntimeError, match="it has not been opened"):
        await checks.store(away).run()


async def test_the_ledger_is_well_while_statements_are_committed(sqlite_path):
    database = SqliteDatabase(sqlite_path)
    check = checks.ledger(database)
    assert check.readiness == "first"
    with pytest.raises(RuntimeError, match="it has not been opened"):
        await check.run()
    await database.open()
    assert await check.run() == "0 statements wait"
    await database.close()
    with pytest.raises(RuntimeError, match="it is closed"):
        await check.run()
