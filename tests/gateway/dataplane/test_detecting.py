from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from gateway.body import Body
from gateway.dataplane.detecting import Detecting
from gateway.detections import Detections
from gateway.errors import TotalTimeout, UpstreamUnreachable
from gateway.exchange import Exchange, Reads
from gateway.messages import Headers, Response
from gateway.parts import Config, Filter
from gateway.testing import exchange

CARD = "4111111111111111"
JSON = {"content-type": "application/json"}


class Protecting(Filter[Config]):
    name = "protecting"

    def __init__(self, request: Iterable[str] = (), answer: Iterable[str] = ()) -> None:
        self._pointers = {Reads.REQUEST: [*request], Reads.RESPONSE: [*answer]}

    def protects(self, part: Reads) -> list[str]:
        return self._pointers[part]


def detecting(*filters: Filter[Any], spared: frozenset[str] = frozenset()) -> tuple[Detecting, Detections]:
    found = Detections()
    return Detecting("pay", filters, found, buffer=1000, spared=spared), found


async def detected(made: Exchange, *filters: Filter[Any], spared: frozenset[str] = frozenset()) -> set[str]:
    step, found = detecting(*filters, spared=spared)
    assert await step.on_request(made) is None
    return {f"{field} {kind}" for _, field, kind in found.counts()}


async def answered(response: Response, *filters: Filter[Any]) -> set[str]:
    step, found = detecting(*filters)
    made = exchange()
    made.response = response
    await step.on_response(made)
    return {f"{field} {kind}" for _, field, kind in found.counts()}


async def test_card_data_is_found_wherever_a_request_holds_it() -> None:
    made = exchange(
        "POST",
        f"/v1/{CARD}",
        query="card=4111+1111+1111+1111&cvc=123&page=2",
        headers={**JSON, "x-note": CARD},
        json={"a": [{"n": CARD}], "b": 1},
    )
    assert await detected(made) == {
        *("path: card", "query:card card", "query:cvc security_code", "header:x-note card", "body:/a/*/n card")
    }


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        ("application/x-www-form-urlencoded", b"card%5Bnumber%5D=4111111111111111&a=1", {"body:card[number] card"}),
        ("application/x-www-form-urlencoded", b"4111111111111111=1", {"body:* card"}),
        ("text/plain", b"pay 4111111111111111", {"body: card"}),
        ("application/xml", b"<n>4111111111111111</n>", {"body: card"}),
        ("application/json", b"{broken 4111111111111111", {"body: card"}),
        ("application/octet-stream", b"4111111111111111", set()),
        ("application/json", b'{"a": 1}', set()),
    ],
)
async def test_bodies_of_every_kind_that_is_text_are_looked_at(kind: str, body: bytes, found: set[str]) -> None:
    assert await detected(exchange("POST", headers={"content-type": kind}, body=body)) == found


async def test_what_a_filter_protects_or_reveals_is_not_reported() -> None:
    made = exchange("POST", headers=JSON, json={"cards": [{"number": CARD, "note": CARD}], "source": {"pan": CARD}})
    step = Protecting(request=["/cards/*/number", "/source"])
    assert await detected(made, step) == {"body:/cards/*/note card"}


async def test_a_filter_that_protects_answers_does_not_protect_requests() -> None:
    made = exchange("POST", headers=JSON, json={"number": CARD})
    assert await detected(made, Protecting(answer=["/number"])) == {"body:/number card"}


async def test_answers_are_looked_at_too() -> None:
    answer = Response(200, headers=Headers({**JSON, "x-card": CARD}), body=b'{"n": "4111111111111111", "m": 1}')
    assert await answered(answer) == {"answer:/n card", "answer_header:x-card card"}
    assert await answered(answer, Protecting(answer=["/n"])) == {"answer_header:x-card card"}


async def test_a_field_that_is_spared_is_not_reported() -> None:
    made = exchange("POST", headers={**JSON, "order-id": CARD}, json={"orderId": CARD, "n": CARD})
    assert await detected(made, spared=frozenset({"orderid"})) == {"body:/n card"}


async def test_a_problem_of_the_gateway_is_not_looked_at() -> None:
    step, found = detecting()
    made = exchange()
    made.response, made.error = Response(503, headers=Headers({"x-card": CARD})), UpstreamUnreachable()
    await step.on_response(made)
    assert found.counts() == {}


async def pieces(*given: bytes) -> Any:
    for piece in given:
        yield piece


async def test_a_body_that_streams_is_made_whole_where_it_says_that_it_is_small() -> None:
    made = exchange("POST", headers=JSON)
    body = b'{"n": "4111111111111111"}'
    made.request.body = Body(source=pieces(body[:9], body[9:]), length=len(body))
    assert await detected(made) == {"body:/n card"}
    assert made.request.body.data == body


@pytest.mark.parametrize("length", [None, 5000])
async def test_one_that_is_large_or_does_not_say_passes_as_it_is_and_is_counted(length: int | None) -> None:
    step, found = detecting()
    made = exchange("POST", headers=JSON)
    made.request.body = Body(source=pieces(CARD.encode()), length=length)
    await step.on_request(made)
    assert made.request.body.data is None
    assert found.unseen == {"pay": 1}


async def test_one_in_a_coding_is_counted_and_not_looked_at() -> None:
    step, found = detecting()
    await step.on_request(exchange("POST", headers={**JSON, "content-encoding": "gzip"}, body=b"\x1f\x8b"))
    assert (found.counts(), found.unseen) == ({}, {"pay": 1})


async def test_an_answer_that_does_not_end_in_time_is_a_failure_of_the_upstream() -> None:
    async def stalled() -> Any:
        yield b"{"
        await asyncio.Event().wait()

    step, _ = detecting()
    made = exchange()
    made.response = Response(200, headers=Headers(JSON), body=Body(source=stalled(), length=9))
    made.deadline = asyncio.get_running_loop().time() + 0.01
    with pytest.raises(TotalTimeout):
        await step.on_response(made)
