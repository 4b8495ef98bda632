from __future__ import annotations

import orjson
import pytest

from gateway import AnswerNotProtected, Exchange, FieldRefused, Reads, Response, is_token
from gateway.crypto.keyring import LocalKeyring
from gateway.testing import backend, exchange, running_gateway, scope
from plugins.encrypt.filter import EncryptFilter
from plugins.encrypt.options import EncryptConfig
from plugins.encrypt.problems import FieldUnreadable

CARD = "4242424242424242"
KEYRING = LocalKeyring([("k1", bytes(range(32)))])


async def encrypt(*fields, lent=None, **options) -> EncryptFilter:
    made = EncryptFilter(EncryptConfig.model_validate({"fields": fields, **options}), lent or scope())
    await made.open()
    return made


async def sent_on(made: EncryptFilter, document) -> dict:
    passed = exchange(json=document)
    await made.on_request(passed)
    return orjson.loads(passed.request.body.data or b"")


async def test_a_field_of_a_request_is_passed_on_as_a_token() -> None:
    sent = await sent_on(await encrypt("/card/number"), {"amount": 1, "card": {"number": CARD, "name": "Ada"}})
    assert is_token(sent["card"].pop("number"))
    assert sent == {"amount": 1, "card": {"name": "Ada"}}


async def test_what_was_encrypted_on_one_route_is_decrypted_on_another_whatever_it_is() -> None:
    document = {"items": [{"card": CARD}, {"card": {"number": 5}}, {"card": 1.5}], "note": "x"}
    sealed = await sent_on(await encrypt("/items/*/card"), document)
    assert all(is_token(each["card"]) for each in sealed["items"])
    egress = await encrypt({"at": "/things/*/card", "as": "/items/*/card"}, request="decrypt")
    assert await sent_on(egress, {"things": sealed["items"]}) == {"things": document["items"]}


async def test_a_field_that_is_missing_or_null_passes() -> None:
    sent = await sent_on(await encrypt("/card/number", "/items/*"), {"card": {"number": None}})
    assert sent == {"card": {"number": None}}


async def test_a_token_is_not_encrypted_again_it_is_refused_or_passes() -> None:
    token = scope().cipher("field").seal("/card", CARD)
    with pytest.raises(FieldRefused) as refused:
        await sent_on(await encrypt("/card"), {"card": token})
    assert refused.value.code == "field_already_encrypted"
    assert await sent_on(await encrypt("/card", if_token="pass"), {"card": token}) == {"card": token}


@pytest.mark.parametrize(
    "token",
    [f"pg1.{CARD}.x", "pg1.k1.AQJrMQ", scope().cipher("field").seal("/other", CARD)],
    ids=["a card", "cut short", "of another field"],
)
async def test_what_only_looks_like_a_token_never_passes_for_one(token) -> None:
    with pytest.raises(FieldUnreadable):
        await sent_on(await encrypt("/card", if_token="pass"), {"card": token})


async def test_what_is_no_token_is_not_decrypted_it_is_refused_or_passes() -> None:
    with pytest.raises(FieldRefused) as refused:
        await sent_on(await encrypt("/card", request="decrypt"), {"card": CARD})
    assert refused.value.code == "field_not_encrypted"
    assert await sent_on(await encrypt("/card", request="decrypt", if_clear="pass"), {"card": CARD}) == {"card": CARD}


async def test_where_one_token_does_not_open_none_is_shown_and_people_hear_of_it() -> None:
    lent = scope()
    made = await encrypt("/a", "/b", lent=lent, request="decrypt")
    good, foreign = (lent.cipher("field").seal(field, CARD) for field in ("/a", "/c"))
    passed = exchange(json={"a": good, "b": foreign})
    with pytest.raises(FieldUnreadable) as refused:
        await made.on_request(passed)
    assert refused.value.status == 400
    assert CARD.encode() not in (passed.request.body.data or b"")
    assert [(code, detail["pointer"]) for code, _, detail in lent.events] == [("field_unreadable", "/b")]


async def test_the_fields_that_are_shown_are_noted_and_what_they_hold_is_not() -> None:
    lent = scope()
    passed = exchange(json={"card": lent.cipher("field").seal("/card", CARD)})
    await (await encrypt("/card", lent=lent, request="decrypt")).on_request(passed)
    assert [(note.code, note.detail) for note in passed.notes] == [("revealed", {"fields": ["/card"]})]


async def test_a_policy_whose_gateway_has_no_key_does_not_open() -> None:
    with pytest.raises(ValueError, match="set ENCRYPTION_KEY"):
        async with backend() as upstream, running_gateway(upstream.url, filters=[{"encrypt": {"fields": ["/card"]}}]):
            pass


def answered(document, **headers) -> Exchange:
    made = exchange()
    made.response = Response(200, body=orjson.dumps(document))
    for name, value in {"content-type": "application/json", **headers}.items():
        made.response.headers[name] = value
    return made


async def test_an_answer_is_decrypted_on_its_way_up_which_the_policy_knows() -> None:
    lent = scope()
    made = await encrypt("/card", lent=lent, request="leave", response="decrypt")
    passed = answered({"card": lent.cipher("field").seal("/card", CARD)})
    await made.on_response(passed)
    assert passed.answer.json() == {"card": CARD}
    assert made.provides_up == ("clear_text",)


async def test_an_answer_that_cannot_be_decrypted_is_not_passed_on() -> None:
    made = await encrypt("/card", request="leave", response="decrypt")
    with pytest.raises(AnswerNotProtected) as refused:
        await made.on_response(answered({"card": scope().cipher("other").seal("/card", CARD)}))
    assert refused.value.status == 502


async def test_an_answer_that_is_no_json_has_no_field() -> None:
    passed = answered({"card": CARD}, **{"content-type": "text/html"})
    await (await encrypt("/card", response="encrypt")).on_response(passed)
    assert passed.answer.json() == {"card": CARD}
    with pytest.raises(AnswerNotProtected):
        await (await encrypt("/card", response="encrypt", if_missing="refuse")).on_response(passed)


async def test_the_backend_holds_tokens_and_the_client_sees_what_it_sent() -> None:
    filters = [{"encrypt": {"fields": ["/card/number"], "response": "decrypt"}}]
    async with backend() as upstream, running_gateway(upstream.url, filters=filters, keyring=KEYRING) as client:
        await client.post("/v1/cards", json={"card": {"number": CARD}})
        held = upstream.seen[0].json()
        assert is_token(held["card"]["number"])
        upstream.will_answer(json=held)
        assert (await client.get("/v1/cards/1")).json() == {"card": {"number": CARD}}


async def test_a_token_that_a_client_moved_to_another_field_is_refused_with_its_pointer() -> None:
    filters = [{"encrypt": {"fields": ["/a", "/b"], "request": "decrypt"}}]
    async with backend() as upstream, running_gateway(upstream.url, filters=filters, keyring=KEYRING) as client:
        token = scope(keyring=KEYRING, tenant="default").cipher("field").seal("/a", CARD)
        answer = await client.post("/v1/cards", json={"b": token})
        assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (400, "field_unreadable", "/b")
        assert upstream.seen == []


@pytest.mark.parametrize(
    ("options", "request_part", "answer_part"),
    [
        ({}, ["/card/number"], []),
        ({"response": "encrypt"}, ["/card/number"], ["/card/number"]),
        ({"request": "leave", "response": "decrypt"}, [], ["/card/number"]),
    ],
)
async def test_it_says_which_fields_it_protects_or_reveals(options, request_part, answer_part) -> None:
    made = await encrypt("/card/number", **options)
    assert ([*made.protects(Reads.REQUEST)], [*made.protects(Reads.RESPONSE)]) == (request_part, answer_part)


async def test_a_route_that_detects_reports_what_is_beside_the_field_that_it_protects() -> None:
    async with backend() as upstream:
        route = {"name": "all", "match": {"prefix": "/"}, "upstream": "b", "detect": True}
        route["filters"] = [{"encrypt": {"fields": ["/card/number"]}}]
        policy = {"version": 1, "upstreams": {"b": {"url": upstream.url}}, "routes": [route]}
        async with running_gateway(policy=orjson.dumps(policy).decode(), keyring=KEYRING) as client:
            await client.post("/pay", json={"card": {"number": CARD}, "note": CARD})
            assert client.detections.counts() == {("all", "body:/note", "card"): 1}
