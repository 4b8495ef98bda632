"""/api/v1/keys over a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.admin.state import AdminState
from gateway.database.sqlite import SqliteDatabase
from tests.gateway.admin.admins import ELSEWHERE, TOKENS, client, keys, state

OLD, NEW = f"old:{'00' * 32}", f"new:{'ff' * 32}"


@pytest.fixture
async def database(sqlite_path) -> AsyncIterator[SqliteDatabase]:
    made = SqliteDatabase(sqlite_path)
    await made.open()
    await keys(made, f"older:{'11' * 32}").watch.at_start()
    yield made
    await made.close()


@pytest.fixture
async def lent(database) -> AdminState:
    made = keys(database, f"{NEW},{OLD}")
    await made.watch.at_start()
    return state(keys=made)


async def test_it_shows_what_there_is_and_no_key(lent) -> None:
    async with client(lent) as local:
        answer = await local.get("/api/v1/keys", params={"count": "true"})

    found = answer.json()
    uses = {each["id"]: (each["use"], each["stored"]) for each in found["items"] if each["setting"] == "ENCRYPTION_KEY"}
    assert uses == {"new": ("first", {}), "old": ("kept", {}), "older": ("retired", {})}
    assert (found["bound"], found["by_plugin"], found["reencryption"]) == (2**32, False, None)
    assert "00" * 16 not in answer.text


async def test_a_reencryption_is_asked_for_once_and_by_whom(lent) -> None:
    async with client(lent) as local:
        first = await local.post("/api/v1/keys/reencrypt", json={"by": "ada"})
        second = await local.post("/api/v1/keys/reencrypt")

    assert (first.status_code, first.json()["began"], second.json()["began"]) == (202, True, False)
    assert second.json()["reencryption"]["asked_by"] == "human:ada via loopback"


@pytest.mark.parametrize(
    ("key", "status", "code"), [("new", 409, "key_in_use"), ("none", 404, "key_not_found"), ("old", 200, None)]
)
async def test_only_a_key_that_nothing_needs_may_be_taken_away(lent, key, status, code) -> None:
    async with client(lent) as local:
        answer = await local.post(f"/api/v1/keys/{key}/retire")

    assert (answer.status_code, answer.json().get("code")) == (status, code)


async def test_strangers_read_and_change_nothing_without_their_tokens(database) -> None:
    lent = state(keys=keys(database, NEW), tokens=TOKENS)
    async with client(lent, ELSEWHERE, token=TOKENS.read) as stranger:
        assert (await stranger.get("/api/v1/keys")).status_code == 200
        assert (await stranger.post("/api/v1/keys/reencrypt")).status_code == 403
    async with client(lent, ELSEWHERE) as nobody:
        assert (await nobody.get("/api/v1/keys")).status_code == 401


async def test_a_body_that_is_not_understood_and_a_database_that_is_away_are_problems(lent, database) -> None:
    async with client(lent) as local:
        wrong = await local.post("/api/v1/keys/reencrypt", json={"who": "ada"})
        await database.close()
        away = await local.get("/api/v1/keys")

    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_parameter")
    assert (away.status_code, away.json()["code"]) == (503, "ledger_unavailable")
