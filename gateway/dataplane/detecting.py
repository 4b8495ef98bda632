"""Detecting: looks at what a route sends on, and is answered, for card data that no filter of it protects."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from gateway.card_data import card_fields, is_card, kind_of, shown, suspected
from gateway.detections import Detections, Field, Where
from gateway.errors import InvalidJson, TotalTimeout
from gateway.exchange import Exchange, Reads
from gateway.messages import Request, Response
from gateway.parts import Filter
from gateway.pointer import parse

_FORM = "application/x-www-form-urlencoded"
_TEXTS = ("text/", "multipart/form-data", "application/xml", "application/graphql", "application/json", _FORM)


class Detecting(Filter[Any]):
    """Stands below all ``filters`` of a route, and changes nothing.

    What they have put a token in the place of is not there any more, and what one reveals on purpose it says it
    protects: neither is reported.  Of bodies it looks at JSON, forms and texts that say how long they are and have at
    most ``buffer`` bytes; others pass as they come, and are counted.  ``spared`` are names, folded, whose numbers are
    never a card's.
    """

    name = "detect"

    def __init__(
        self, route: str, filters: Iterable[Filter[Any]], found: Detections, *, buffer: int, spared: frozenset[str]
    ) -> None:
        kept = tuple(filters)
        self._protected = {
            part: [parse(pointer) for each in kept for pointer in each.protects(part)]
            for part in (Reads.REQUEST, Reads.RESPONSE)
        }
        self._route = route
        self._found = found
        self._buffer = buffer
        self._spared = spared

    async def on_request(self, exchange: Exchange) -> None:
        request = exchange.request
        fields = [Field("path", "", "card")] if is_card(request.path) else []
        fields += self._pairs("query", parse_qsl(request.query, keep_blank_values=True))
        fields += self._pairs("header", request.headers.items())
        await self._look(exchange, request, "body", fields)

    async def on_response(self, exchange: Exchange) -> None:
        if exchange.error is None:  # a problem of the gateway's own holds none
            answer = exchange.answer
            await self._look(exchange, answer, "answer", [*self._pairs("answer_header", answer.headers.items())])

    async def _look(self, exchange: Exchange, message: Request | Response, where: Where, fields: list[Field]) -> None:
        """At the body, and keep what was found in all of the message."""
        if message.body.length != 0:
            data = await self._text(exchange, message)
            if data is None:
                self._found.pass_over(self._route)
            elif suspected(data):
                fields += self._body(message, data, where)
        if fields:
            self._found.add(self._route, set(fields))

    async def _text(self, exchange: Exchange, message: Request | Response) -> bytes | None:
        """A body that is a text, made whole where it says that it is small enough; None for any other."""
        body = message.body
        if "content-encoding" in message.headers or not _is_text(_media_type(message)):
            return None
        if body.data is None and body.length is not None and body.length <= self._buffer:
            try:
                async with asyncio.timeout_at(exchange.deadline or None):
                    await body.buffer(self._buffer)
            except TimeoutError:
                raise TotalTimeout("The upstream did not end its answer in time") from None
        return body.data

    def _body(self, message: Request | Response, data: bytes, where: Where) -> Iterator[Field]:
        media_type = _media_type(message)
        if media_type == _FORM:
            yield from self._pairs(where, parse_qsl(data.decode("latin-1"), keep_blank_values=True))
            return
        if _is_json(media_type):
            with suppress(InvalidJson):
                yield from self._document(message.json(), where)
                return
        if is_card(data.decode("utf-8", "replace")):
            yield Field(where, "", "card")

    def _document(self, document: Any, where: Where) -> Iterator[Field]:
        protected = self._protected[Reads.REQUEST if where == "body" else Reads.RESPONSE]
        for way, name, kind in card_fields(document, self._spared):
            if not any(_leads(pattern, way) for pattern in protected):
                yield Field(where, name, kind)

    def _pairs(self, where: Where, pairs: Iterable[tuple[str, str]]) -> Iterator[Field]:
        for name, value in pairs:
            if (kind := kind_of(name, value, self._spared)) is not None:
                yield Field(where, shown(name), kind)
            if is_card(name):
                yield Field(where, "*", "card")


def _leads(pattern: Sequence[str], way: Sequence[str]) -> bool:
    """Whether a pointer leads to a field, or to what it lies in."""
    return len(pattern) <= len(way) and all(wanted in ("*", token) for wanted, token in zip(pattern, way, strict=False))


def _media_type(message: Request | Response) -> str:
    return message.headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")


def _is_text(media_type: str) -> bool:
    return media_type.startswith(_TEXTS) or media_type.endswith(("+json", "+xml"))
