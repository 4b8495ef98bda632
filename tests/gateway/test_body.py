from __future__ import annotations

import pytest

from gateway.body import Body
from gateway.errors import BodyTooLarge
from gateway.testing import streaming


async def read(body: Body) -> list[bytes]:
    return [chunk async for chunk in body.chunks()]


async def test_a_whole_body_is_one_chunk_and_an_empty_one_none() -> None:
    assert await read(Body(b"abc")) == [b"abc"]
    assert await read(Body(b"")) == []
    assert Body(b"abc").length == 3


async def test_a_streaming_body_gives_its_chunks_as_they_come() -> None:
    assert await read(streaming(b"a", b"b")) == [b"a", b"b"]


async def test_buffering_makes_it_whole_and_it_can_still_be_read() -> None:
    body = streaming(b"a", b"b")

    assert await body.buffer(2) == b"ab"
    assert (body.data, body.length) == (b"ab", 2)
    assert await body.buffer(2) == b"ab"
    assert await read(body) == [b"ab"]


@pytest.mark.parametrize("body", [Body(b"abc"), streaming(b"ab", b"c"), streaming(b"abc", length=3)])
async def test_more_than_the_limit_is_refused(body) -> None:
    with pytest.raises(BodyTooLarge):
        await body.buffer(2)


async def test_an_announced_length_above_the_limit_is_refused_before_a_byte_is_taken() -> None:
    body = streaming(b"abc", length=3)
    with pytest.raises(BodyTooLarge):
        await body.buffer(2)

    assert await read(body) == [b"abc"]


async def test_what_was_pulled_before_it_became_too_much_can_still_be_streamed() -> None:
    body = streaming(b"ab", b"cd", b"ef")
    with pytest.raises(BodyTooLarge):
        await body.buffer(3)

    assert await read(body) == [b"ab", b"cd", b"ef"]


def test_a_copy_is_of_its_own_and_one_of_a_stream_takes_nothing_from_it() -> None:
    assert Body(b"abc").copy().data == b"abc"
    assert streaming(b"abc").copy().data == b""
