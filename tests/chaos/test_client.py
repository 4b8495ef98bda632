from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from chaos.client import Client, Next, Told, View, understand
from chaos.wire import Answer, encode_answer, take_request
from tests.chaos.conftest import payment


def answer(status: int, /, **document: Any) -> Answer:
    return Answer(status, {}, orjson.dumps(document))


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (answer(201, status="paid"), Next(Told.SUCCEEDED)),
        (answer(202, status="processing"), Next(Told.PENDING, follow=True)),
        (answer(402, code="card_declined"), Next(Told.FAILED)),
        (answer(409, code="request_in_progress"), Next(None, again=True)),
        (answer(409, code="payment_in_doubt", state="in_doubt"), Next(Told.IN_DOUBT, follow=True)),
        (answer(409, code="answer_unavailable", state="succeeded"), Next(Told.SUCCEEDED)),
        (answer(409, code="answer_unavailable", state="failed"), Next(Told.FAILED)),
        (answer(429), Next(None, again=True)),
        (answer(504, code="upstream_timeout"), Next(None, again=True)),
        (answer(422, code="idempotency_key_reused"), Next(None, wrong=True)),
        (answer(409, code="possible_duplicate"), Next(None, wrong=True)),
    ],
    ids=str,
)
def test_what_an_answer_tells_the_client_to_do(said: Answer, means: Next) -> None:
    assert understand(said) == means


def test_a_last_word_is_not_unsaid_by_one_that_is_not() -> None:
    view = View(payment())
    for said in (Told.IN_DOUBT, Told.SUCCEEDED, Told.IN_DOUBT):
        view.hear(said)

    assert (view.told, view.final) == (Told.SUCCEEDED, {Told.SUCCEEDED})


def test_the_answer_of_another_payment_is_noticed() -> None:
    view = View(payment(7))
    for reference in ("p0000007", "p0000008"):
        said = answer(201, reference=reference)
        view.note(said, understand(said))

    assert view.wrong == ["the answer of another payment, p0000008"]


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[int, list[Any]]]:
    """A gateway that says these things, one after another, and what it was sent; it cuts where one is empty."""
    left, seen = list(answers), list[Any]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = bytearray()
        while not (request := take_request(data)):
            data += await reader.read(4096)
        seen.append(request)
        writer.write(left.pop(0))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], seen


async def test_it_repeats_the_same_under_the_same_key_until_it_is_told() -> None:
    busy = encode_answer(409, {"code": "request_in_progress"})
    async with answering(b"", busy, encode_answer(201, {"reference": "p0000007"})) as (port, seen):
        view = await Client([port]).pay(payment(7))

    assert view.told is Told.SUCCEEDED
    assert len({(each.body, each.headers["idempotency-key"]) for each in seen}) == 1
    assert view.answers == {"broken": 1, "409 request_in_progress": 1, "201": 1}


async def test_where_nobody_listens_it_goes_to_the_other_gateway() -> None:
    async with answering(encode_answer(201, {})) as (port, _):
        view = await Client([port, 1]).pay(payment(7))

    assert view.answers == {"refused": 1, "201": 1}


async def test_a_payment_in_doubt_is_followed_and_not_sent_again() -> None:
    doubt = encode_answer(409, {"code": "payment_in_doubt", "state": "in_doubt"})
    doubt = doubt.replace(b"\r\n\r\n", b"\r\nPayguard-Payment-Id: p1\r\n\r\n", 1)
    async with answering(doubt, encode_answer(200, {"state": "succeeded"})) as (port, seen):
        client = Client([port])
        view = await client.pay(payment(7))
        await client.follow(view)

    assert [(each.method, each.target) for each in seen] == [
        ("POST", "/naked/v1/payments"),
        ("GET", "/.payguard/payments/p1"),
    ]
    assert view.told is Told.SUCCEEDED
