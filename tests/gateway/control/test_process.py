"""A process from its start to its end, on this loop and with this process's signals."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from gateway.control.process import Ports, Process
from gateway.control.servers import bind
from gateway.control.start import BadStart

PASS_THROUGH = """\
version: 1
upstreams:
  backend: {{url: "{url}"}}
routes:
  - {{name: all, match: {{path: "/{{rest:path}}"}}, upstream: backend, filters: [{filters}]}}
"""

SLOW = """\
import asyncio
from gateway import Filter, hookimpl

happened = []

class Slow(Filter):
    name = "slow"

    async def open(self):
        happened.append("opening")
        await asyncio.Event().wait()

    async def close(self):
        happened.append("closed")

class Clinging(Filter):
    name = "clinging"

    async def close(self):
        raise RuntimeError("cannot let go")

@hookimpl
def register_filters():
    return [Slow, Clinging]
"""


@pytest.fixture
def policy(tmp_path, migrated_file) -> Path:
    """Beside it is a database that is up to date."""
    (tmp_path / "data").mkdir()
    shutil.copy(migrated_file, tmp_path / "data" / "payguard.db")
    path = tmp_path / "policy.yaml"
    path.write_text(PASS_THROUGH.format(url="http://127.0.0.1:9", filters=""))
    return path


@pytest.fixture
def process(foundation, policy):
    """Makes processes of it on free ports."""
    with bind("127.0.0.1", 0, "--port") as data, bind("127.0.0.1", 0, "--admin-port") as admin:
        yield lambda **settings: Process(
            foundation(**settings), policy, Ports(data, admin, None), lambda _: Starlette()
        )


@asynccontextmanager
async def serving(process: Process):
    up = asyncio.Event()
    process._serving = up.set
    running = asyncio.create_task(process.run())
    waiting = asyncio.create_task(up.wait())
    await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield running
    finally:
        if not running.done():
            process._stopping.set()
            process.draining.cut_short()
        await running


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0.001)


def ask(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


async def test_it_serves_until_sigterm_and_returns_0(process) -> None:
    made = process(drain_delay="0s")
    async with serving(made) as running, httpx.AsyncClient() as client:
        assert made.upkeep.health.started()
        assert (await client.get(made.data_url)).status_code == 503  # nobody listens there
        ask(signal.SIGTERM)
        assert await running == 0
        assert made.upkeep.health.draining


async def test_a_second_signal_cuts_it_short_and_it_returns_1(process) -> None:
    made = process(drain_delay="1h")
    async with serving(made) as running:
        ask(signal.SIGTERM)
        await until(lambda: made.draining.begun)
        ask(signal.SIGINT)
        assert await running == 1


async def test_sighup_reads_the_policy_again(process, policy) -> None:
    made = process(reload_interval="1h")
    async with serving(made):
        before = made.active.snapshot
        ask(signal.SIGHUP)
        await until(lambda: made.active.snapshot is not before)


async def test_a_signal_while_it_starts_ends_it_and_closes_what_was_opened(process, policy, tmp_path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "slow.py").write_text(SLOW)
    policy.write_text(PASS_THROUGH.format(url="http://127.0.0.1:9", filters="slow"))
    made = process(plugin_dirs=(tmp_path / "ours",))
    happened = made.foundation.plugins.origin("slow").module.happened
    running = asyncio.create_task(made.run())
    await until(lambda: happened)
    ask(signal.SIGTERM)
    assert await running == 0
    assert happened == ["opening", "closed"]


async def test_a_part_that_fails_to_close_does_not_turn_the_end_into_a_failure(process, policy, tmp_path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "slow.py").write_text(SLOW)
    policy.write_text(PASS_THROUGH.format(url="http://127.0.0.1:9", filters="clinging"))
    async with serving(process(plugin_dirs=(tmp_path / "ours",), drain_delay="0s")) as running:
        ask(signal.SIGTERM)
        assert await running == 0


async def test_a_policy_that_is_not_text_is_one_line(process, policy) -> None:
    policy.write_bytes(b"version: \xff")
    with pytest.raises(BadStart, match=rf"^the policy {policy} is not text in UTF-8"):
        await process().run()


async def test_a_policy_s_limits_of_clients_are_the_settings(process) -> None:
    limits = process(client_header_bytes=4096, client_keep_alive="7s", client_connections=3).clients.limits
    assert (limits.header_bytes, limits.keep_alive, limits.connections) == (4096, 7.0, 3)


async def test_a_database_that_is_not_fit_is_a_bad_start(process, tmp_path) -> None:
    first = process(drain_delay="0s")
    async with serving(first):
        with pytest.raises(BadStart, match=r"^another gateway uses the database"):
            await process().run()
    connection = sqlite3.connect(tmp_path / "data" / "payguard.db")
    connection.execute("UPDATE schema_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(BadStart, match="is at 9999, which this payguard does not know"):
        await process().run()


async def test_the_database_is_open_while_the_policy_is(process) -> None:
    made = process(drain_delay="0s")
    async with serving(made):
        assert made.foundation.database.opened
        assert await made.foundation.services.ledger.counts() is not None
    assert not made.foundation.database.opened
