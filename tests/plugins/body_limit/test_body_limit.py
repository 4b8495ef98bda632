from __future__ import annotations

import pytest

from gateway import BodyTooLarge
from gateway.testing import exchange, scope, streaming
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
