"""/api/v1/vault as the admin port serves it: who may, what is asked, and what is told."""

from __future__ import annotations

import pytest

from gateway.testing import HandScope
from plugins.tokenise.api import Asked
from plugins.tokenise.options import VaultConfig
from plugins.tokenise.tokens import digest
from plugins.tokenise.vault import Vault, Wanted
from tests.gateway.admin.admins import ELSEWHERE, TOKENS, client, state

PATH = "/api/v1/vault"
CARD = "4242424242424242"
WHY = {"reason": "asked to be forgotten", "by": "ada"}


@pytest.fixture
def lent(sqlite) -> HandScope:
    made = HandScope(tables=sqlite)
    made.components = [Vault(VaultConfig(), made)]
    return made


@pytest.fixture
def asking(lent):
    def ask(*peer: str, **how):
        return client(state(components=lambda: list(lent.components), tokens=TOKENS), *peer, **how)

    return ask


async def test_it_tells_how_much_there_is_and_forgets_a_token(asking, lent) -> None:
    [vault] = lent.components
    token = await vault.token(Wanted(CARD, vault.cards(CARD, None)))
    async with asking() as port:
        before = (await port.get(PATH)).json()
        forgotten = await port.post(f"{PATH}/forget", json={"token": token, **WHY})
        again = await port.post(f"{PATH}/forget", json={"token": token, **WHY})
        after = (await port.get(PATH)).json()
    assert (before["tenant"], before["entries"], before["expired"], before["keys"]) == ("test", 1, 0, {"test": 1})
    assert before["since_start"]["made"] == 1
    assert forgotten.json() == {"forgotten": 1}
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    assert (after["entries"], after["since_start"]["forgotten"]) == (0, 1)
    said = [(each["action"], each["subject"], each["outcome"], each["principal"]) for each in lent.audited]
    who = "human:ada via loopback"
    assert said == [("vault.forget", digest(token), outcome, who) for outcome in ("begun", "done", "begun", "absent")]
    assert token not in str(lent.audited) + str(lent.events)


async def test_and_every_token_of_a_customer(asking, lent) -> None:
    [vault] = lent.components
    for _ in range(2):
        await vault.token(Wanted(CARD, (), vault.customers("cus_ada")[0]))
    async with asking() as port:
        forgotten = await port.post(f"{PATH}/forget", json={"customer": "cus_ada", **WHY})
    assert forgotten.json() == {"forgotten": 2}
    assert "cus_ada" not in str(lent.audited)


async def test_to_read_and_to_forget_takes_the_scopes_for_it(asking) -> None:
    asked = {"customer": "cus_ada", **WHY}
    async with asking(ELSEWHERE, token=TOKENS.read) as reading:
        assert (await reading.get(PATH)).status_code == 200
        assert (await reading.post(f"{PATH}/forget", json=asked)).status_code == 403
    async with asking(ELSEWHERE) as stranger:
        assert (await stranger.get(PATH)).status_code == 401


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (b"{", "no JSON"),
        ({"reason": "why not"}, "say token, or customer"),
        ({"token": "tok_" + "a" * 24, "customer": "x", **WHY}, "say token, or customer"),
        ({"token": CARD, **WHY}, "no token of a vault"),
        ({"customer": "x"}, "reason"),
        ({"customer": "x", "reason": "two\nlines"}, "reason: it is a line of text"),
        ({"customer": "x", "tenant": "y", **WHY}, "tenant"),
    ],
)
async def test_what_is_asked_in_the_wrong_way_is_refused(asking, asked, said) -> None:
    async with asking() as port:
        how = {"content": asked} if isinstance(asked, bytes) else {"json": asked}
        answer = await port.post(f"{PATH}/forget", **how)
    assert answer.status_code == 400
    assert said in answer.json()["detail"]
    assert CARD not in answer.text


async def test_the_database_away_is_a_503(asking, sqlite) -> None:
    await sqlite.close()
    async with asking() as port:
        assert (await port.get(PATH)).status_code == 503


def test_what_may_be_asked_is_what_the_page_on_the_api_says() -> None:
    assert set(Asked.model_fields) == {"token", "customer", "reason", "by"}
