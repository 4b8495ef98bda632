from __future__ import annotations

import asyncio

import orjson
import pytest

from gateway import AnswerNotProtected, DatabaseDown, Exchange, FieldRefused, Principal, Reads, Response, is_card
from gateway.crypto.keyring import LocalKeyring
from gateway.testing import HandScope, backend, exchange, running_gateway
from plugins.tokenise.filter import MOST, TokeniseFilter
from plugins.tokenise.options import TokeniseConfig, VaultConfig
from plugins.tokenise.tokens import digest, is_vault_token
from plugins.tokenise.vault import Vault

CARD, OTHER = "4242424242424242", "4000000000009995"
KEYRING = LocalKeyring([("k1", bytes(range(32)))])


@pytest.fixture
def lent(sqlite) -> HandScope:
    made = HandScope(tables=sqlite, place="pay")
    made.components = [Vault(VaultConfig(), made)]
    return made


def tokenise(lent, **options) -> TokeniseFilter:
    return TokeniseFilter(TokeniseConfig.model_validate(options or {"fields": ["/card/number"]}), lent)


async def sent_on(made: TokeniseFilter, document, **how) -> dict:
    passed = exchange(json=document, **how)
    await made.on_request(passed)
    return orjson.loads(passed.request.body.data or b"")


async def refused(made: TokeniseFilter, document) -> tuple[int, str, object]:
    with pytest.raises(FieldRefused) as found:
        await sent_on(made, document)
    return found.value.status, found.value.code, found.value.members.get("pointer")


async def test_a_number_goes_on_as_a_token_and_all_else_as_it_is(lent) -> None:
    sent = await sent_on(tokenise(lent), {"amount": 1, "card": {"number": CARD, "cvc": "123"}})
    assert is_vault_token(sent["card"].pop("number"))
    assert sent == {"amount": 1, "card": {"cvc": "123"}}


async def test_the_same_card_has_the_same_token_known_or_not(lent) -> None:
    made = tokenise(lent, fields=["/cards/*"])
    first = (await sent_on(made, {"cards": [CARD, OTHER, "4242 4242 4242 4242"]}))["cards"]
    again = (await sent_on(made, {"cards": [OTHER, int(CARD)]}))["cards"]
    assert first[0] == first[2] == again[1]
    assert first[1] == again[0] != first[0]
    assert lent.components[0].counted["hits"] == 2


async def test_a_token_shows_the_last_four_where_the_policy_says_so(lent) -> None:
    plain = (await sent_on(tokenise(lent), {"card": {"number": CARD}}))["card"]["number"]
    shown = (await sent_on(tokenise(lent, fields=["/card"], last_four=True), {"card": CARD}))["card"]
    assert shown == f"{plain}_4242"
    assert not is_card(shown)


@pytest.mark.parametrize("value", ["4242424242424241", "123", "", {"number": CARD}])
async def test_what_is_no_card_number_is_refused_with_its_pointer_or_passes(lent, value) -> None:
    assert await refused(tokenise(lent, fields=["/card"]), {"card": value}) == (422, "card_number_invalid", "/card")
    assert await sent_on(tokenise(lent, fields=["/card"], if_no_card="pass"), {"card": value}) == {"card": value}


async def test_where_one_does_not_fit_none_is_changed(lent) -> None:
    passed = exchange(json={"a": CARD, "b": "4242424242424241"})
    with pytest.raises(FieldRefused):
        await tokenise(lent, fields=["/a", "/b"]).on_request(passed)
    assert passed.request.json() == {"a": CARD, "b": "4242424242424241"}


async def test_a_token_is_refused_or_passes_as_it_is(lent) -> None:
    token = (await sent_on(tokenise(lent), {"card": {"number": CARD}}))["card"]["number"]
    assert await refused(tokenise(lent, fields=["/card"]), {"card": token}) == (422, "field_already_token", "/card")
    assert await sent_on(tokenise(lent, fields=["/card"], if_token="pass"), {"card": token}) == {"card": token}


async def test_a_field_that_is_missing_passes_or_is_refused(lent) -> None:
    assert await sent_on(tokenise(lent), {"card": {"number": None}}) == {"card": {"number": None}}
    needed = tokenise(lent, fields=["/card"], if_missing="refuse")
    assert await refused(needed, {}) == (422, "field_missing", "/card")


async def test_a_card_has_another_token_for_another_customer_and_none_without_one(lent) -> None:
    made = tokenise(lent, fields=["/card"], one_token_per="customer", customer="/who")
    ada, eve, again = [(await sent_on(made, {"card": CARD, "who": who}))["card"] for who in ("ada", "eve", "ada")]
    assert ada == again != eve
    assert await refused(made, {"card": CARD}) == (422, "customer_missing", "/who")
    assert await sent_on(made, {"name": "Eve"}) == {"name": "Eve"}
    assert await refused(made, {"card": CARD, "who": {"id": 1}}) == (422, "customer_missing", "/who")


async def test_each_use_has_a_token_of_its_own_where_the_policy_says_so(lent) -> None:
    sent = await sent_on(tokenise(lent, fields=["/cards/*"], one_token_per="use"), {"cards": [CARD, CARD]})
    assert len(set(sent["cards"])) == 2


async def test_a_body_has_a_bounded_number_of_new_cards_and_of_tokens(lent) -> None:
    cards = [number for number in (str(4 * 10**15 + n) for n in range(20 * MOST)) if is_card(number)][: MOST + 1]
    assert (await refused(tokenise(lent, fields=["/*"]), cards))[1] == "too_many_cards"
    assert (await refused(tokenise(lent, reveal=["/*"]), ["tok_" + "a" * 24] * (MOST + 1)))[1] == "too_many_cards"


async def test_a_number_is_revealed_and_on_the_audit_trail(lent) -> None:
    token = (await sent_on(tokenise(lent, fields=["/card"], last_four=True), {"card": CARD}))["card"]
    passed = exchange(json={"source": token}, facts=[Principal("ada")])
    await tokenise(lent, reveal=["/source"]).on_request(passed)
    assert passed.request.json() == {"source": CARD}
    assert [(note.code, note.detail) for note in passed.notes] == [("revealed", {"fields": ["/source"]})]
    assert lent.audited == [
        {
            "action": "vault.reveal",
            "subject": digest(token),
            "outcome": "done",
            "principal": "ada",
            "ip": "203.0.113.7",
            "detail": {"route": "pay", "request": "request-1", "field": "/source"},
        }
    ]


async def test_nothing_is_revealed_before_its_entry_is_committed(lent) -> None:
    token = (await sent_on(tokenise(lent), {"card": {"number": CARD}}))["card"]["number"]
    committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asked = asyncio.Event()
    lent.audit = lambda *_, **__: asked.set() or committed
    passed = exchange(json={"card": token})
    revealing = asyncio.ensure_future(tokenise(lent, reveal=["/card"]).on_request(passed))
    await asked.wait()
    assert passed.request.json() == {"card": token}
    committed.set_exception(DatabaseDown())
    with pytest.raises(DatabaseDown):
        await revealing
    assert passed.request.json() == {"card": token}


@pytest.mark.parametrize("token", ["tok_" + "a" * 24, "other's", "wrong digits"])
async def test_a_token_that_the_vault_has_not_for_us_reveals_nothing_of_the_body(lent, sqlite, token) -> None:
    good = (await sent_on(tokenise(lent), {"card": {"number": CARD}}))["card"]["number"]
    match token:
        case "other's":
            theirs = Vault(VaultConfig(), HandScope(tables=sqlite, tenant="bank"))
            bank = HandScope(tables=sqlite, tenant="bank", components=[theirs])
            token = (await sent_on(tokenise(bank), {"card": {"number": CARD}}))["card"]["number"]
        case "wrong digits":
            token = f"{good}_4241"
    made = tokenise(lent, reveal=["/a", "/b"])
    assert await refused(made, {"a": good, "b": token}) == (422, "token_unknown", "/b")
    assert lent.audited == []
    assert [code for code, _, _ in lent.events] == ["token_unknown"]


async def test_what_is_no_token_is_not_revealed_it_is_refused_or_passes(lent) -> None:
    assert await refused(tokenise(lent, reveal=["/card"]), {"card": CARD}) == (422, "field_not_token", "/card")
    assert await sent_on(tokenise(lent, reveal=["/card"], if_clear="pass"), {"card": CARD}) == {"card": CARD}


async def test_the_vault_away_is_a_503_and_nothing_goes_on(lent, sqlite) -> None:
    token = (await sent_on(tokenise(lent), {"card": {"number": CARD}}))["card"]["number"]
    await sqlite.close()
    for made, document in (
        (tokenise(lent), {"card": {"number": OTHER}}),
        (tokenise(lent, reveal=["/t"]), {"t": token}),
    ):
        with pytest.raises(DatabaseDown) as down:
            await sent_on(made, document)
        assert down.value.status == 503


def answered(document) -> Exchange:
    made = exchange()
    made.response = Response(200, body=orjson.dumps(document))
    made.response.headers["content-type"] = "application/json"
    return made


async def test_an_answer_is_revealed_on_its_way_up_which_the_policy_knows(lent) -> None:
    token = (await sent_on(tokenise(lent), {"card": {"number": CARD}}))["card"]["number"]
    made = tokenise(lent, reveal=["/card"], reveal_on="response")
    passed = answered({"card": token})
    await made.on_request(passed)
    await made.on_response(passed)
    assert passed.answer.json() == {"card": CARD}
    assert made.provides_up == ("clear_text",)
    with pytest.raises(AnswerNotProtected):
        await made.on_response(answered({"card": "tok_" + "b" * 24}))


@pytest.mark.parametrize(
    ("reveal_on", "of_requests", "of_answers"), [("request", ["/a", "/b"], []), ("response", ["/a"], ["/b"])]
)
def test_it_says_which_fields_it_protects_or_reveals(lent, reveal_on, of_requests, of_answers) -> None:
    made = tokenise(lent, fields=["/a"], reveal=["/b"], reveal_on=reveal_on)
    assert ([*made.protects(Reads.REQUEST)], [*made.protects(Reads.RESPONSE)]) == (of_requests, of_answers)


async def test_a_policy_whose_gateway_has_no_key_does_not_open(sqlite) -> None:
    with pytest.raises(ValueError, match="set ENCRYPTION_KEY"):
        async with (
            backend() as upstream,
            running_gateway(upstream.url, filters=[{"tokenise": {"fields": ["/card"]}}], database=sqlite),
        ):
            pass


async def test_the_backend_holds_a_token_and_the_processor_gets_the_number_in_a_form(database) -> None:
    async with backend() as shop, backend() as processor:
        policy = {
            "version": 1,
            "upstreams": {"shop": {"url": shop.url}, "processor": {"url": processor.url}},
            "routes": [
                {
                    "name": "out",
                    "match": {"prefix": "/processor"},
                    "upstream": "processor",
                    "filters": [{"egress": {"prefix": "/processor"}}, {"tokenise": {"reveal": ["/card/number"]}}],
                },
                {
                    "name": "in",
                    "match": {"prefix": "/"},
                    "upstream": "shop",
                    "filters": [{"tokenise": {"fields": ["/card/number"]}}],
                },
            ],
        }
        async with running_gateway(policy=orjson.dumps(policy).decode(), keyring=KEYRING, database=database) as client:
            await client.post("/v1/cards", json={"card": {"number": CARD}})
            token = shop.seen[0].json()["card"]["number"]
            await client.post("/processor/v1/charges", data={"amount": "1", "card[number]": token})
            unknown = await client.post("/processor/v1/charges", data={"card[number]": "tok_" + "c" * 24})
    assert is_vault_token(token)
    assert (processor.seen[0].target, processor.seen[0].body) == (
        "/v1/charges",
        f"amount=1&card%5Bnumber%5D={CARD}".encode(),
    )
    assert (unknown.status_code, unknown.json()["code"], unknown.json()["pointer"]) == (
        422,
        "token_unknown",
        "/card/number",
    )
    assert len(processor.seen) == 1
