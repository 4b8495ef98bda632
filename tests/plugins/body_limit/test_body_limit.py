from __future__ import annotations

import pytest

from gateway import BodyTooLarge
from gateway.testing import backend, exchange, running_gateway, scope, streaming
from plugins.body_limit import BodyLimit, BodyLimitConfig


@pytest.fixture
def limit() -> BodyLimit:
    return BodyLimit(BodyLimitConfig.model_validate({"bytes": "1KiB"}), scope())


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 1024])
async def test_a_body_up_to_the_limit_passes(limit, body) -> None:
    await limit.on_request(exchange(body=body))


async def test_an_announced_length_is_judged_before_a_byte_is_taken(limit) -> None:
    with pytest.raises(BodyTooLarge) as refused:
        await limit.on_request(exchange(body=streaming(length=1025)))

    assert (refused.value.status, refused.value.code) == (413, "body_too_large")
    assert refused.value.detail == "The body has 1025 bytes; this route takes 1024"


async def test_an_announced_body_within_the_limit_goes_on_streaming(limit) -> None:
    made = exchange(body=streaming(b"x" * 1000, length=1000))
    await limit.on_request(made)

    assert made.request.body.data is None


async def test_a_chunked_body_that_is_too_large_is_refused_before_any_of_it_is_sent(limit) -> None:
    made = exchange(body=streaming(*[b"x" * 500] * 100))
    with pytest.raises(BodyTooLarge):
        await limit.on_request(made)

    assert made.request.body.data is None


async def test_a_chunked_body_within_the_limit_passes_whole(limit) -> None:
    made = exchange(body=streaming(b"x" * 500, b"y" * 500))
    await limit.on_request(made)

    assert made.request.body.data == b"x" * 500 + b"y" * 500
    assert made.received.body is made.request.body


async def test_a_chunked_upload_through_the_gateway_is_stopped_at_the_limit() -> None:
    async def pieces():
        for _ in range(20):
            yield b"x" * 1000

    async with backend() as shop, running_gateway(shop.url, filters=[{"body_limit": {"bytes": "1KiB"}}]) as client:
        answer = await client.post("/v1/payments", content=pieces())

    assert (answer.status_code, answer.json()["code"], shop.seen) == (413, "body_too_large", [])


async def test_bodies_within_the_limit_reach_the_backend_as_they_were_sent() -> None:
    async def pieces():
        yield b"x" * 500
        yield b"y" * 500

    async with backend() as shop, running_gateway(shop.url, filters=[{"body_limit": {"bytes": 1000}}]) as client:
        for content in (pieces(), b"z" * 1000, b""):
            assert (await client.post("/v1/payments", content=content)).status_code == 200

    assert [seen.body for seen in shop.seen] == [b"x" * 500 + b"y" * 500, b"z" * 1000, b""]
