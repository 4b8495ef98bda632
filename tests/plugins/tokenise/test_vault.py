from __future__ import annotations

import asyncio

import pytest

from gateway import DatabaseDown, DependencyDown
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.salts import Salts
from gateway.testing import HandScope
from plugins.tokenise.options import VaultConfig
from plugins.tokenise.problems import VaultUnreadable
from plugins.tokenise.records import STORED
from plugins.tokenise.tokens import digest, is_vault_token
from plugins.tokenise.vault import Vault, Wanted

CARD, OTHER = "4242424242424242", "4000000000009995"


def vault(database, **lent) -> Vault:
    return Vault(VaultConfig(), HandScope(tables=database, **lent))


async def of(made: Vault, number: str, customer: str | None = None, expires: float | None = None) -> str:
    return await made.token(Wanted(number, made.cards(number, customer), None, expires))


async def test_a_number_is_kept_sealed_and_told_for_its_token(database) -> None:
    made = vault(database)
    token = await of(made, CARD)
    assert is_vault_token(token)
    assert await made.number(token) == CARD
    [row] = await database.read("SELECT * FROM vault")
    assert CARD not in str(row)
    assert token not in str(row)
    assert (row[0], row[1]) == (digest(token), "test")


async def test_the_same_card_has_the_same_token_also_from_another_gateway(database, other) -> None:
    token = await of(vault(database), CARD)
    assert await of(vault(other), CARD) == token
    assert await of(vault(other), OTHER) != token


async def test_a_card_that_many_see_first_at_once_has_one_token(database, other) -> None:
    gateways = [vault(database), vault(other)]
    tokens = await asyncio.gather(*(of(gateways[number % 2], CARD) for number in range(40)))
    assert len(set(tokens)) == 1
    assert await gateways[0].counts() == [("test", 1, 0)]


async def test_each_use_and_each_customer_has_a_token_of_its_own_where_asked(database) -> None:
    made = vault(database)
    uses = {await made.token(Wanted(CARD)) for _ in range(2)}
    customers = [await of(made, CARD, customer) for customer in ("ada", "eve", "ada")]
    assert len(uses) == 2
    assert customers[0] == customers[2] != customers[1]
    assert len(uses | set(customers)) == 4


async def test_another_tenant_has_other_tokens_and_gets_none_of_ours(database) -> None:
    ours, theirs = vault(database), vault(database, tenant="bank")
    token = await of(ours, CARD)
    assert await theirs.number(token) is None
    assert await of(theirs, CARD) != token
    assert theirs.counted["unknown"] == 1


async def test_a_card_is_recognised_by_an_older_salt(database) -> None:
    old, new = ("old", b"o" * 32), ("new", b"n" * 32)
    token = await of(vault(database, salts=Salts([old])), CARD)
    assert await of(vault(database, salts=Salts([new, old])), CARD) == token
    assert await of(vault(database, salts=Salts([new])), CARD) != token


async def test_a_card_that_was_seen_lately_needs_no_database(database) -> None:
    made = vault(database)
    token = await of(made, CARD)
    await database.close()
    assert made.known(CARD, None) == token
    assert made.counted["hits"] == 1
    made.scope.clock.advance(30)
    assert made.known(CARD, None) is None
    with pytest.raises(DatabaseDown):
        await of(made, CARD)


async def test_a_token_that_expires_sooner_is_remembered_no_longer(database) -> None:
    made = vault(database)
    await of(made, CARD, expires=5.0)
    made.scope.clock.advance(5)
    assert made.known(CARD, None) is None


async def test_what_has_expired_is_told_to_nobody_and_removed(database) -> None:
    made = vault(database)
    token = await of(made, CARD, expires=-1.0)
    assert await made.number(token) is None
    assert await of(made, CARD) != token
    await of(made, OTHER, expires=-1.0)
    await made.purge()
    assert made.counted["expired"] == 1
    assert await made.counts() == [("test", 1, 0)]


async def test_what_is_forgotten_is_remembered_nowhere(database) -> None:
    made = vault(database)
    token = await of(made, CARD)
    assert await made.forget(f"{token}_4242") == 1
    assert await made.forget(token) == 0
    assert made.known(CARD, None) is None
    assert await made.number(token) is None


async def test_a_customer_s_tokens_are_forgotten_with_every_salt_that_named_it(database) -> None:
    old, new = ("old", b"o" * 32), ("new", b"n" * 32)
    before, now = vault(database, salts=Salts([old])), vault(database, salts=Salts([new, old]))
    for made in (before, now):
        await made.token(Wanted(CARD, (), made.customers("ada")[0]))
    await now.token(Wanted(CARD, (), now.customers("eve")[0]))
    assert await now.forget_customer("ada") == 2
    assert await now.forget_customer("ada") == 0


async def test_what_the_key_does_not_open_is_told_to_people_and_not_guessed(database) -> None:
    token = await of(vault(database), CARD)
    made = vault(database, keyring=LocalKeyring([("another", b"k" * 32)]))
    with pytest.raises(VaultUnreadable):
        await made.number(token)
    assert [(code, severity) for code, severity, _ in made.scope.events] == [("vault_unreadable", "critical")]


async def test_what_a_newer_key_has_sealed_anew_opens(sqlite) -> None:
    token = await of(vault(sqlite), CARD)
    both = LocalKeyring([("new", b"n" * 32), ("test", bytes(32))])
    [(id_, tenant, sealed)] = await sqlite.read("SELECT id, tenant, sealed FROM vault")
    again = STORED.anew(both, "", {"id": id_, "tenant": tenant, "sealed": sealed})
    await sqlite.write("UPDATE vault SET sealed = $2, key_id = 'new' WHERE id = $1", id_, again)
    made = vault(sqlite, keyring=LocalKeyring([("new", b"n" * 32)]))
    assert await made.number(token) == CARD
    assert await of(made, CARD) == token


async def test_a_row_that_was_moved_to_another_token_does_not_open(database) -> None:
    made = vault(database)
    first, second = await of(made, CARD), await of(made, OTHER)
    await database.write(
        "UPDATE vault SET sealed = (SELECT sealed FROM vault WHERE id = $1) WHERE id = $2",
        digest(first),
        digest(second),
    )
    with pytest.raises(VaultUnreadable):
        await made.number(second)


async def test_a_client_that_leaves_ends_nothing_for_others(sqlite) -> None:
    made = vault(sqlite)
    first, second = (asyncio.ensure_future(of(made, CARD)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert is_vault_token(await second)


async def test_what_cannot_be_begun_is_refused_and_may_be_asked_again(sqlite) -> None:
    made = vault(sqlite)
    made.scope.tasks.full = True
    with pytest.raises(DependencyDown):
        await of(made, CARD)
    made.scope.tasks.full = False
    assert is_vault_token(await of(made, CARD))


async def test_it_counts_what_it_holds(sqlite) -> None:
    made = vault(sqlite)
    await of(made, CARD)
    for job in made.jobs():
        await job.run()
    entries, remembered, operations = (measure.values for measure in made.measures())
    assert entries[()] == remembered[()] == operations["made",] == 1
