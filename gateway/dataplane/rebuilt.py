"""Rebuilt: an exchange made of a stored request, sent without a client, and ended as any other is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from time import monotonic

from starlette.datastructures import MutableHeaders as Headers

from gateway.body import Body
from gateway.exchange import Exchange
from gateway.facts import Earlier
from gateway.ids import request_id
from gateway.ledger.bodies import StoredRequest
from gateway.ledger.records import Record
from gateway.messages import Received, Request
from gateway.trace import continue_or_begin

logger = logging.getLogger(__name__)


def rebuilt(record: Record, stored: StoredRequest, headers: Mapping[str, str]) -> Exchange:
    """As it was when it was sent, or about to be; ``headers`` are credentials in the place of those not kept."""
    fields = [field for field in stored.headers if field[0].decode("latin-1") not in headers]
    fields += [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
    path, _, query = stored.target.partition("?")
    body = Body(stored.body)
    received = Received(stored.method, stored.target.encode(), tuple(fields), body, "", "", "http")
    request = Request(stored.method, path, query=query, headers=Headers(raw=fields), body=body)
    exchange = Exchange(request_id(), received, request, continue_or_begin(None, 0))
    exchange.route, exchange.operation = record.route, record.operation
    exchange.put(Earlier(record.id))
    return exchange


async def end(exchange: Exchange, observers: Sequence[Callable[[Exchange], None]]) -> None:
    """After its chain: what waits for its end is done, and observers are told."""
    for call in exchange.take_at_end():
        await call()
    exchange.abandon()
    exchange.ended = monotonic()
    for tell in observers:
        try:
            tell(exchange)
        except Exception:
            logger.exception("An observer failed")
