from __future__ import annotations

import pytest

from gateway import InvalidJson
from gateway.testing import backend, exchange, running_gateway, scope
from plugins.require_json import RequireJson, RequireJsonConfig, UnsupportedMediaType


@pytest.fixture
def required() -> RequireJson:
    return RequireJson(RequireJsonConfig(), scope())


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/problem+json",
        "application/vnd.shop.v2+json",
    ],
)
async def test_json_passes(required, media_type) -> None:
    await required.on_request(exchange(headers={"content-type": media_type}, body=b'{"amount": 1000}'))


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("content-type", "")],
        [("content-type", "text/plain")],
        [("content-type", "application/x-www-form-urlencoded")],
        [("content-type", "application/jsonp")],
        [("content-type", "application/json, text/plain")],
        [("content-type", "application/json; charset=utf-16")],
        [("content-type", "application/json"), ("content-type", "text/plain")],
        [("content-type", "application/json"), ("content-encoding", "gzip")],
        [("content-type", "application/json"), ("content-encoding", "identity"), ("content-encoding", "gzip")],
    ],
)
async def test_what_another_reader_might_take_for_something_else_is_refused(required, headers) -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        await required.on_request(exchange(headers=headers, body=b"{}"))

    assert (refused.value.status, refused.value.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize("body", [b"{", b"{}{}", b"amount=1000", b"\xff", b"NaN", b" "])
async def test_a_body_that_is_no_json_is_refused(required, body) -> None:
    with pytest.raises(InvalidJson) as refused:
        await required.on_request(exchange(headers={"content-type": "application/json"}, body=body))

    assert (refused.value.status, refused.value.code) == (400, "invalid_json")


async def test_a_request_without_a_body_passes(required) -> None:
    await required.on_request(exchange())


async def test_methods_that_are_not_named_pass() -> None:
    only_post = RequireJson(RequireJsonConfig(methods=("POST",)), scope())

    await only_post.on_request(exchange("PUT", body=b"amount=1000"))
    with pytest.raises(UnsupportedMediaType):
        await only_post.on_request(exchange("POST", body=b"amount=1000"))


async def test_what_is_json_reaches_the_backend_byte_for_byte_and_what_is_not_does_not() -> None:
    json, body = {"content-type": "application/json"}, b'{ "amount":1000 }'
    async with backend() as shop, running_gateway(shop.url, filters=["require_json"]) as client:
        taken = await client.post("/v1/payments", content=body, headers=json)
        broken = await client.post("/v1/payments", content=body[:-1], headers=json)
        other = await client.post("/v1/payments", content=body, headers={"content-type": "text/plain"})

    assert [answer.status_code for answer in (taken, broken, other)] == [200, 400, 415]
    assert [seen.body for seen in shop.seen] == [body]
