"""``payguard ledger`` on real databases."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import payguard
from gateway.database.schema import HEAD
from gateway.database.sqlite import SqliteDatabase


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(payguard, ["ledger", *arguments], env=environ)


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without a schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'payguard.db'}"
        return
    server = request.getfixturevalue("postgres")
    name = asyncio.run(server.create())
    yield server.url(name)
    asyncio.run(server.drop(name))


def shown(result: Result) -> dict[str, Any]:
    return dict(json.loads(result.output))


def test_a_database_is_empty_then_migrated_then_up_to_date(empty) -> None:
    before = run("status", "--json", DATABASE_URL=empty)
    assert (before.exit_code, shown(before)["schema"], shown(before)["state"]) == (1, None, "empty")

    migrated = run("migrate", "--json", DATABASE_URL=empty)
    assert migrated.exit_code == 0, migrated.output
    assert (shown(migrated)["before"], shown(migrated)["schema"]) == (None, HEAD)

    after = run("status", DATABASE_URL=empty)
    assert after.exit_code == 0
    assert "state     current: nothing to do" in after.output
    assert f"the schema is at {HEAD} already" in run("migrate", DATABASE_URL=empty).output


def test_the_default_is_a_file_in_the_data_folder(tmp_path) -> None:
    said = run("migrate", PAYGUARD_DATA_DIR=str(tmp_path))
    assert said.output == f"{tmp_path}/payguard.db: the schema is at {HEAD} now, and was not there\n"
    assert (tmp_path / "payguard.db").exists()


def test_asking_makes_no_file(tmp_path) -> None:
    assert run("status", PAYGUARD_DATA_DIR=str(tmp_path)).exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_newer_schema_is_left_alone(sqlite_path) -> None:
    connection = sqlite3.connect(sqlite_path)
    connection.execute("UPDATE schema_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    url = f"sqlite:///{sqlite_path}"

    found = run("status", "--json", DATABASE_URL=url)
    assert (found.exit_code, shown(found)["state"]) == (1, "ahead")
    migrated = run("migrate", DATABASE_URL=url)
    assert migrated.exit_code == 1
    assert "is at 9999, which this payguard does not know" in migrated.output


async def test_a_file_that_a_gateway_uses_is_shown_and_not_migrated(sqlite_path) -> None:
    database = SqliteDatabase(sqlite_path)
    await database.open()
    url = f"sqlite:///{sqlite_path}"

    assert (await asyncio.to_thread(run, "status", DATABASE_URL=url)).exit_code == 0
    migrated = await asyncio.to_thread(run, "migrate", DATABASE_URL=url)

    assert migrated.exit_code == 2
    assert "another gateway uses the database" in migrated.output
    await database.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://gate:word@127.0.0.1:9/shop", "cannot use the database postgresql://gate@127.0.0.1:9/shop: "),
        ("mysql://gate:word@h/d", "DATABASE_URL: begins with postgresql://"),
        ("sqlite:///{folder}/garbage", "cannot use the database {folder}/garbage: file is not a database"),
    ],
)
@pytest.mark.parametrize("command", ["status", "migrate"])
def test_what_cannot_be_asked_is_one_line_and_2(tmp_path, url, said, command) -> None:
    (tmp_path / "garbage").write_text("no database at all" * 100)
    result = run(command, DATABASE_URL=url.format(folder=tmp_path))
    assert result.exit_code == 2
    assert result.output.startswith(f"Error: {said.format(folder=tmp_path)}")
    assert "word" not in result.output
    assert len(result.output.splitlines()) == 1
