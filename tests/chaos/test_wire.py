from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from chaos.wire import Answer, Broken, Refused, ask, encode_answer, encode_request, glimpse, take_request


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def test_a_request_is_taken_once_it_is_whole() -> None:
    sent = encode_request("POST", "/v1/payments?key=a%20b", {"Idempotency-Key": "k"}, b'{"reference":"p1"}')

    assert [take_request(sent[:cut]) for cut in range(len(sent))] == [None] * len(sent)
    request = take_request(sent + b"GET")
    assert request is not None
    assert (request.path, request.query("key"), request.json()) == ("/v1/payments", "a b", {"reference": "p1"})
    assert request.size == len(sent)


def test_half_a_request_shows_what_it_holds() -> None:
    sent = encode_request("POST", "/v1/payments", {"Idempotency-Key": "k-1"}, b'{"amount":1,"reference":"p1"}')

    assert glimpse(sent[:20]) == ("", "")
    assert glimpse(sent[:-30]) == ("k-1", "")
    assert glimpse(sent) == ("k-1", "p1")


def test_an_answer_that_is_no_json_holds_nothing() -> None:
    assert Answer(200, {}, b"<html>").json() == Answer(200, {}, b"[1]").json() == {}


async def test_nobody_who_listens_is_told_from_an_answer_that_breaks_off() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(encode_answer(200, {"a": 1}, longer=3))
        await closed(writer)
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(half, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(Broken, match="IncompleteRead"):
            await ask("127.0.0.1", port, "GET", "/")
        await ended.wait()
    with pytest.raises(Refused):
        await ask("127.0.0.1", port, "GET", "/")


async def test_a_server_that_says_nothing_is_broken_after_a_while() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await closed(writer)
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        with pytest.raises(Broken, match="Timeout"):
            await ask("127.0.0.1", server.sockets[0].getsockname()[1], "GET", "/", within=0.01)
        await ended.wait()
