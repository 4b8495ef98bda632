from __future__ import annotations

import pytest

from gateway.crypto import references
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.references import References, steps
from gateway.crypto.stored import Stored

OLD, NEW = LocalKeyring.parse(f"o:{'00' * 32}"), LocalKeyring.parse(f"new:{'ff' * 32}")
STORED = Stored("retries", "request", "r", lambda *_: b"", id="payment")
INSERT = """INSERT INTO retries (payment, state, reason, epoch, route, reference, method, code, number, declined,
  missed, keep, created_at, until_at, history, request)
  VALUES ($1, '', '', 1, '', $2, $2, '', 0, 0, 0, 0, 0, 0, '', $3)"""


@pytest.fixture
async def database(either_database):
    for number, keyring in enumerate([OLD, NEW, NEW, OLD, NEW, None]):
        sealed = None if keyring is None else keyring.seal("r", b"data", b"")
        await either_database.write(INSERT, f"p{number}", b"r%d" % number, sealed)
    return either_database


async def test_it_counts_what_each_key_has_sealed_in_steps(database, monkeypatch) -> None:
    monkeypatch.setattr(references, "STEP", 2)
    found = await References(database, [STORED]).counts(["o", "new", "n", "other"])

    assert found == {"o": {"retries.request": 2}, "new": {"retries.request": 3}, "n": {}, "other": {}}


async def test_steps_cover_every_row_once_and_go_on_behind_one(database) -> None:
    assert [each async for each in steps(database, STORED, 4)] == [("", "p3"), ("p3", "p5")]
    assert [each async for each in steps(database, STORED, 4, "p3")] == [("p3", "p5")]


async def test_where_nobody_asks_for_a_key_nothing_is_read(database) -> None:
    await database.close()
    assert await References(database, [STORED]).counts([]) == {}
