from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from gateway import BadOption, Rejected
from gateway.testing import Backend, Client, backend, exchange, running_gateway, scope
from plugins.sanitise.decision import MOST_TOLD
from plugins.sanitise.detection import RULES
from plugins.sanitise.filter import SanitiseFilter
from plugins.sanitise.options import SanitiseConfig

SQL = "x' OR 1=1-- "
SCRIPT = "<script>alert('Lovelace')</script>"
FILE = b'Content-Disposition: form-data; name="f"; filename="<script>1</script>"'
ORDER = {"amount": 4200, "currency": "eur", "description": "A pair of shoes for O'Brien & sons, size < 9"}


async def sanitise(**options: Any) -> SanitiseFilter:
    made = SanitiseFilter(SanitiseConfig.model_validate(options), scope())
    await made.open()
    return made


async def refusal(made, **options: Any) -> Rejected:
    with pytest.raises(Rejected) as refused:
        await (await sanitise(**options)).on_request(made)
    return refused.value


@asynccontextmanager
async def guarded(*, mode: str = "enforce", **options: Any) -> AsyncIterator[tuple[Client, Backend]]:
    async with (
        backend() as upstream,
        running_gateway(upstream.url, filters=[{"sanitise": {"mode": mode, **options}}]) as client,
    ):
        yield client, upstream


# one exchange


async def test_a_payment_passes_and_its_body_is_left_as_it_was() -> None:
    made = exchange(json=ORDER)
    await (await sanitise()).on_request(made)

    assert made.request.body is made.received.body
    assert made.notes == []


async def test_an_attack_is_refused_with_its_rule_and_field_and_noted_without_the_words_of_the_customer() -> None:
    made = exchange(json=ORDER | {"card": {"name": f"Lovelace{SQL}"}})
    refused = await refusal(made)

    assert (refused.status, refused.code) == (403, "attack_suspected")
    assert refused.members["field"] == "/card/name"
    assert RULES[refused.members["rule"]].family == "sqli"
    assert refused.detail == f"This looks like an attack: {RULES[refused.members['rule']].says}"
    [note] = made.notes[:1]
    assert note.code == "attack_suspected"
    assert note.detail.keys() == {"rule", "field", "excerpt", "outcome"}
    assert (note.detail["field"], note.detail["outcome"]) == ("/card/name", "block")
    assert "Lovelace" not in str(note.detail)


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"path": "/v1/x%27%20OR%201=1--%20"}, "path"),
        ({"query": "q=x%27+OR+1%3D1--+"}, "query:q"),
        ({"headers": {"user-agent": SQL}}, "header:user-agent"),
        ({"headers": {"x-note": SCRIPT}}, "header:x-note"),
        ({"headers": {"cookie": "theme=x' OR 1=1-- "}}, "cookie:theme"),
        ({"json": {"items": [{"note": SQL}]}}, "/items/0/note"),
        ({"json": {SCRIPT: 1}}, "/*"),
        (
            {"body": b"note=x%27+OR+1%3D1--+", "headers": {"content-type": "application/x-www-form-urlencoded"}},
            "form:note",
        ),
        (
            {"body": b"<a><b c='%s'/></a>" % b"x&apos; OR 1=1-- ", "headers": {"content-type": "text/xml"}},
            "xml:/a/b/@c",
        ),
        ({"body": SQL.encode(), "headers": {"content-type": "text/plain"}}, "body"),
        (
            {
                "body": b"--m\r\n%b\r\n\r\n\r\n--m--" % FILE,
                "headers": {"content-type": "multipart/form-data; boundary=m"},
            },
            "file:f",
        ),
    ],
)
async def test_an_attack_is_found_wherever_it_stands(parts, field) -> None:
    assert (await refusal(exchange(**parts))).members["field"] == field


async def test_what_is_reported_passes_and_is_noted() -> None:
    made = exchange(json={"note": SQL})
    await (await sanitise(families={"sqli": "report"})).on_request(made)

    assert {(note.detail["field"], note.detail["outcome"]) for note in made.notes} == {("/note", "report")}


async def test_what_is_found_in_a_header_is_found_again() -> None:
    step = await sanitise(families={"sqli": "report"})
    for _ in range(2):
        made = exchange(headers={"user-agent": SQL})
        await step.on_request(made)
        assert made.notes
    for _ in range(2):
        with pytest.raises(Rejected):
            await step.on_request(exchange(headers={"user-agent": SCRIPT}))


async def test_a_key_that_is_allowed_in_one_place_is_still_found_in_another() -> None:
    step = await sanitise(fields=[{"at": "/free/**", "allow": ["all"]}])
    await step.on_request(exchange(json={"free": {SCRIPT: 1}}))
    with pytest.raises(Rejected):
        await step.on_request(exchange(json={"note": {SCRIPT: 1}}))


async def test_keys_that_came_before_cost_nothing_and_hide_nothing() -> None:
    step = await sanitise()
    for _ in range(2):
        await step.on_request(exchange(json=ORDER))
        with pytest.raises(Rejected):
            await step.on_request(exchange(json=ORDER | {"description": SQL}))


async def test_of_many_finds_so_many_are_told() -> None:
    made = exchange(json=[SQL] * 100)
    await (await sanitise(families={"sqli": "report"})).on_request(made)

    assert len(made.notes) == MOST_TOLD


async def test_a_field_is_cleaned_and_the_rest_of_the_body_stays() -> None:
    made = exchange(json={"note": f"<b>hi</b>{SCRIPT}", "amount": 4200, "rate": 0.1})
    await (await sanitise(fields=[{"at": "/note", "clean": "html"}])).on_request(made)

    assert made.request.body.data == b'{"note":"<b>hi</b>","amount":4200,"rate":0.1}'
    assert made.notes[0].detail["outcome"] == "clean"


async def test_what_is_cleaned_is_sent_on_without_the_coding_that_it_came_in() -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    made = exchange(body=gzip.compress(orjson.dumps({"note": f"a{SCRIPT}"})), headers=headers)
    await (await sanitise(fields=[{"at": "/note", "clean": "strip"}])).on_request(made)

    assert made.request.body.data == b'{"note":"a"}'
    assert "content-encoding" not in made.request.headers


async def test_a_body_that_is_folded_and_clean_is_sent_on_as_it_came() -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    made = exchange(body=gzip.compress(orjson.dumps(ORDER)), headers=headers)
    await (await sanitise()).on_request(made)

    assert made.request.body is made.received.body
    assert made.request.headers["content-encoding"] == "gzip"


@pytest.fixture
def schema(tmp_path) -> str:
    (tmp_path / "order.json").write_text(json.dumps({"properties": {"amount": {"type": "integer"}, "note": {}}}))
    return str(tmp_path / "order.json")


async def test_a_body_that_is_not_as_the_schema_has_it_is_refused(schema) -> None:
    refused = await refusal(exchange(json={"amount": "1"}), schema={"file": schema})

    assert (refused.code, refused.members["pointer"]) == ("schema_violation", "/amount")


async def test_unknown_fields_are_dropped_where_the_policy_says_so_and_noted(schema) -> None:
    made = exchange(json={"amount": 1, "rate": 2, "a b": 3})
    await (await sanitise(schema={"file": schema, "unknown": "drop"})).on_request(made)

    assert made.request.body.data == b'{"amount":1}'
    assert [(note.code, note.detail) for note in made.notes] == [
        ("unknown_fields_dropped", {"fields": ["/rate", "/*"]})
    ]


async def test_a_field_may_be_cleaned_and_others_dropped_of_one_folded_body(schema) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    made = exchange(body=gzip.compress(orjson.dumps({"note": f"a{SCRIPT}", "rate": 1})), headers=headers)
    step = await sanitise(fields=[{"at": "/note", "clean": "strip"}], schema={"file": schema, "unknown": "drop"})
    await step.on_request(made)

    assert made.request.body.data == b'{"note":"a"}'


async def test_a_schema_that_cannot_be_used_is_a_problem_of_its_option(tmp_path) -> None:
    with pytest.raises(BadOption, match=r"none\.json cannot be read") as refused:
        await sanitise(schema={"file": str(tmp_path / "none.json")})

    assert refused.value.way == ("schema", "file")


def test_every_rule_is_in_the_catalogue() -> None:
    rules = SanitiseFilter.catalogue()["rules"]

    assert [each["id"] for each in rules] == list(RULES)
    assert set(rules[0]) == {"id", "family", "score", "says"}


# over sockets


async def test_what_passes_reaches_the_backend_byte_for_byte() -> None:
    body = b'{ "note" : "caf\\u00e9",\n "amount": 1.10, "big": 9007199254740993 }'
    async with guarded() as (client, upstream):
        answer = await client.post("/v1/payments?q=a%20b", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 200
    assert upstream.seen[0].body == body
    assert upstream.seen[0].target == "/v1/payments?q=a%20b"


async def test_an_attack_never_reaches_the_backend() -> None:
    async with guarded() as (client, upstream):
        answer = await client.post("/v1/payments", json={"note": f"Lovelace{SQL}"})
        ended = await client.ended()

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (403, "attack_suspected", "/note")
    assert "Lovelace" not in answer.text
    assert "OR 1" not in answer.text
    assert upstream.seen == []
    assert (ended.steps[0].filter, ended.steps[0].decision, ended.steps[0].code) == (
        "sanitise",
        "refused",
        "attack_suspected",
    )


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b'{"a": 1, "\\u0061": 2}', {"content-type": "application/json"}, 400, "duplicate_key"),
        (b'{"a": "\\ud800"}', {"content-type": "application/json"}, 400, "invalid_json"),
        (b'{"a": NaN}', {"content-type": "application/json"}, 400, "invalid_json"),
        (b"\xef\xbb\xbf{}", {"content-type": "application/json"}, 400, "invalid_json"),
        (b'{"a": "\xff"}', {"content-type": "application/json"}, 400, "invalid_json"),
        (b"{} {}", {"content-type": "application/json"}, 400, "invalid_json"),
        (b'{"a": 1e999}', {"content-type": "application/json"}, 400, "invalid_json"),
        (b'{"a": 18446744073709551616}', {"content-type": "application/json"}, 400, "ambiguous_body"),
        (b"[" * 40 + b"]" * 40, {"content-type": "application/json"}, 413, "body_too_complex"),
        (b"{}", {"content-type": "text/plain"}, 415, "content_type_mismatch"),
        (b"{}", {}, 415, "content_type_mismatch"),
        (
            gzip.compress(b" " * 200_000),
            {"content-type": "text/plain", "content-encoding": "gzip"},
            413,
            "body_expands",
        ),
        (b"{}", {"content-type": "application/json", "content-encoding": "br"}, 415, "body_not_taken"),
    ],
)
async def test_a_body_with_two_meanings_is_refused(body, headers, status, code) -> None:
    async with guarded() as (client, upstream):
        answer = await client.post("/v1/payments", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert upstream.seen == []


async def test_in_shadow_it_tells_what_it_would_have_done_and_changes_nothing() -> None:
    async with guarded(mode="shadow", fields=[{"at": "/bio", "clean": "strip"}]) as (client, upstream):
        for document in ({"note": SQL}, {"bio": SCRIPT}):
            assert (await client.post("/v1/payments", json=document)).status_code == 200
        ended = [await client.ended(), await client.ended()]

    assert [each.steps[0].decision for each in ended] == ["would_refuse", "would_pass"]
    assert [seen.json() for seen in upstream.seen] == [{"note": SQL}, {"bio": SCRIPT}]


async def test_off_it_does_nothing() -> None:
    async with guarded(mode="off") as (client, _):
        assert (await client.post("/v1/payments", json={"note": SQL})).status_code == 200


async def test_an_answer_is_not_looked_into() -> None:
    async with guarded() as (client, upstream):
        upstream.will_answer(json={"note": SCRIPT})
        answer: httpx.Response = await client.get("/v1/payments/1")

    assert answer.json() == {"note": SCRIPT}
