from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.crypto.fields import FieldCipher
from gateway.crypto.keyring import LocalKeyring
from plugins.tokenise.records import STEP, STORED, Records, Row

ROW = Row("id1", "shop", "pg1.k.x", "k", "1:card", "1:customer")


@pytest.fixture
def records(database) -> Records:
    return Records(database)


async def test_what_is_kept_is_found_by_its_card_and_by_its_token_for_its_tenant(records) -> None:
    assert await records.keep(ROW)
    assert await records.of_card(["2:card", "1:card"]) == ("id1", "pg1.k.x", None)
    assert await records.of_card(["1:other"]) is None
    assert await records.sealed("id1", "shop") == "pg1.k.x"
    assert await records.sealed("id1", "bank") is None


async def test_of_one_card_there_is_one_row_and_of_none_any_number(records) -> None:
    assert await records.keep(ROW)
    assert not await records.keep(replace(ROW, id="id2"))
    assert await records.keep(replace(ROW, id="id3", card=None))
    assert await records.keep(replace(ROW, id="id4", card=None))
    assert await records.counts("shop") == [("k", 3, 0)]


async def test_the_newest_salt_is_looked_at_first(records) -> None:
    await records.keep(ROW)
    await records.keep(replace(ROW, id="id2", card="2:card"))
    found = await records.of_card(["2:card", "1:card"])
    assert found is not None
    assert found[0] == "id2"


async def test_what_has_expired_is_not_found_and_gives_way_to_another(records) -> None:
    await records.keep(replace(ROW, left=-1.0))
    assert await records.of_card(["1:card"]) is None
    assert await records.sealed("id1", "shop") is None
    assert await records.keep(replace(ROW, id="id2", left=60.0))
    [found] = [await records.of_card(["1:card"])]
    assert found is not None
    assert found[0] == "id2"
    assert 50 < found[2] <= 60


async def test_a_token_is_forgotten_for_its_tenant_alone(records) -> None:
    await records.keep(ROW)
    assert await records.forget("id1", "bank") == []
    assert await records.sealed("id1", "shop") == "pg1.k.x"
    assert len(await records.forget("id1", "shop")) == 1
    assert await records.sealed("id1", "shop") is None


async def test_all_of_a_customer_s_are_forgotten_however_many(records, database) -> None:
    await database.write(
        "INSERT INTO vault (id, tenant, customer, sealed, key_id, created_at) "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= $1) "
        "SELECT CAST(i AS TEXT), 'shop', '1:customer', 'x', 'k', 0 FROM n",
        STEP,
    )
    await records.keep(replace(ROW, id="other", customer="1:other"))
    assert await records.forget_customer("1:customer") == STEP + 1
    assert await records.counts("shop") == [("k", 1, 0)]


async def test_what_has_expired_is_removed_in_bounded_steps(records) -> None:
    await records.keep(replace(ROW, left=-1.0))
    await records.keep(replace(ROW, id="id2", card="1:other", left=60.0))
    assert await records.counts("shop") == [("k", 2, 1)]
    assert await records.purge(0) == 0
    assert await records.purge(1) == 1
    assert await records.counts("shop") == [("k", 1, 0)]


def test_a_row_is_bound_so_that_a_newer_key_can_seal_it() -> None:
    old, new = LocalKeyring([("old", bytes(32))]), LocalKeyring([("new", b"n" * 32), ("old", bytes(32))])
    sealed = FieldCipher(old, "shop", "vault").seal("id1", {"number": "4242"})
    again = STORED.anew(new, "another policy's", {"id": "id1", "tenant": "shop", "sealed": sealed})
    assert str(again).startswith(str(STORED.begins("new")))
    assert FieldCipher(new, "shop", "vault").open("id1", str(again)) == {"number": "4242"}
