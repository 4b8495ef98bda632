"""A cluster of one node that has all slots: what is asked of it, and that it is found again."""

from __future__ import annotations

import asyncio

import pytest

from gateway.store.address import parse
from gateway.store.nodes import Nodes
from gateway.store.protocol import StoreDown
from tests.servers import valkey_cluster


@pytest.fixture
async def nodes(cluster):
    made = Nodes(parse(cluster.url.replace("redis:", "redis+cluster:")), 1.0)
    await made.open()
    yield made
    await made.close()


async def test_calls_of_one_turn_are_one_pipeline(nodes) -> None:
    before = nodes.pipelines
    await asyncio.gather(*(nodes.call(("SET", f"key{number}", str(number))) for number in range(50)))
    told = await asyncio.gather(*(nodes.call(("GET", f"key{number}")) for number in range(50)))

    assert told == [str(number).encode() for number in range(50)]
    assert nodes.pipelines == before + 2


async def test_an_error_is_the_answer_of_its_call_alone(nodes) -> None:
    told = await asyncio.gather(
        nodes.call(("EVAL", "return nonsense(", 1, "{a}1")), nodes.call(("GET", "none")), return_exceptions=True
    )

    assert isinstance(told[0], Exception)
    assert told[1] is None


async def test_one_that_is_away_is_found_when_it_is_back(tmp_path) -> None:
    with valkey_cluster(tmp_path) as server:
        made = Nodes(parse(server.url.replace("redis:", "redis+cluster:")), 1.0)
        await made.open()
        server.stop()
        with pytest.raises(StoreDown):
            await made.call(("GET", "a"))
        server.start()
        async with asyncio.timeout(20):
            while True:
                try:
                    await made.call(("GET", "a"))
                    break
                except StoreDown:
                    await asyncio.sleep(0.05)
        await made.close()

    assert made.connects >= 2
