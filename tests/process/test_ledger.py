"""``payguard serve`` and its database: bad starts in one line each, and a server that is away."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import httpx
import pytest

from tests.process.conftest import command, environment, pass_through, until
from tests.process.test_start import refused
from tests.servers import postgres_server


@pytest.fixture
def policy(tmp_path: Path, upstream) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(pass_through(upstream.url))
    return path


async def ran(tmp_path: Path, *arguments: str, **settings: str) -> int:
    process = await asyncio.create_subprocess_exec(
        *command(*arguments), stdout=asyncio.subprocess.PIPE, env=environment(tmp_path, **settings), cwd=tmp_path
    )
    await process.communicate()
    assert process.returncode is not None
    return process.returncode


def at_version(path: Path, version: str) -> str:
    """The URL of that file, once it says that its schema is another one."""
    connection = sqlite3.connect(path)
    connection.execute("UPDATE schema_version SET version_num = ?", (version,))
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


async def test_a_second_gateway_on_the_same_file_is_one_line(start, tmp_path, policy) -> None:
    await start(policy)
    [said] = await refused(tmp_path, "--policy", str(policy))
    assert said.startswith(f"another gateway uses the database {tmp_path}/payguard-data/payguard.db: give each its own")


async def test_a_newer_schema_is_one_line(tmp_path, policy, sqlite_path) -> None:
    url = at_version(sqlite_path, "9999")
    [said] = await refused(tmp_path, "--policy", str(policy), DATABASE_URL=url)
    assert said.startswith("the database's schema is at 9999, which this payguard does not know: it is newer")


async def test_where_only_a_person_migrates_it_starts_once_that_is_done(start, tmp_path, policy) -> None:
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path / 'new.db'}", "PAYGUARD_LEDGER_MIGRATE": "manual"}
    [said] = await refused(tmp_path, "--policy", str(policy), **settings)
    assert "is empty and this payguard needs" in said
    assert "run `payguard ledger migrate`" in said

    assert await ran(tmp_path, "ledger", "status", **settings) == 1
    assert await ran(tmp_path, "ledger", "migrate", **settings) == 0
    gateway = await start(policy, settings=settings)
    assert "the database's schema was brought up to date" not in gateway.said


async def test_a_file_in_a_folder_that_cannot_be_written_is_one_line(tmp_path, policy) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "payguard.db"
    assert await refused(tmp_path, "--policy", str(policy), DATABASE_URL=f"sqlite:///{path}") == [
        f"cannot use the database {path}: file exists"
    ]


@pytest.mark.parametrize("url", ["mysql://gate:word@db/shop", "postgresql://gate:word@db:port/shop", "payguard.db"])
async def test_a_url_of_no_database_is_one_line_without_its_password(tmp_path, policy, url) -> None:
    [said] = await refused(tmp_path, "--policy", str(policy), DATABASE_URL=url)
    assert said.startswith("DATABASE_URL: ")
    assert "word" not in said.replace("password", "")


async def test_a_server_that_does_not_sync_is_one_line(tmp_path, policy) -> None:
    with postgres_server(fsync="off") as server:
        [said] = await refused(tmp_path, "--policy", str(policy), DATABASE_URL=server.url())
    assert said.startswith("the PostgreSQL server runs with fsync = off")


async def test_it_is_not_ready_before_its_server_was_reached_and_stays_ready_after(
    start, policy, own_postgres, client
) -> None:
    own_postgres.stop()
    gateway = await start(policy, settings={"DATABASE_URL": own_postgres.url()})

    async def asked(path: str) -> httpx.Response:
        return await client.get(f"{gateway.admin}{path}")

    async def ready() -> bool:
        return (await asked("/readyz")).status_code == 200

    async def degraded() -> bool:
        return (await asked("/healthz")).json()["status"] == "degraded"

    assert "ledger" in (await asked("/readyz")).text
    assert (await asked("/livez")).status_code == 200
    assert (await client.get(f"{gateway.url}/anything")).status_code == 200  # it needs no record

    await asyncio.to_thread(own_postgres.start)
    await until(ready)
    await asyncio.to_thread(own_postgres.stop)
    await until(degraded)
    assert await ready()

    metrics = (await asked("/metrics")).text
    assert 'payguard_check_up{check="ledger"} 0.0' in metrics
    assert 'payguard_ledger_connections{state="open"}' in metrics
    assert own_postgres.password not in str(dict(gateway.said))
