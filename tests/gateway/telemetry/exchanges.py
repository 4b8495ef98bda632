"""Exchanges that have ended, as the data plane hands them to the observers."""

from __future__ import annotations

from typing import Any

from gateway.body import Body
from gateway.exchange import Attempt, Delivery, Exchange, Step
from gateway.messages import Received, Request, Response
from gateway.trace import Trace

TRACE_ID, SPAN_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "a3ce929d0e0e4736"


def ended(
    *,
    method: str = "POST",
    target: bytes = b"/v1/payments",
    headers: tuple[tuple[bytes, bytes], ...] = ((b"host", b"shop.example:8080"), (b"user-agent", b"shop/1.0")),
    sampled: bool = True,
    parent_id: str | None = PARENT_ID,
    facts: tuple[object, ...] = (),
    **attributes: Any,
) -> Exchange:
    """A payment that took 12.5 ms and went well, but for what ``attributes`` say."""
    received = Received(method, target, headers, Body(b""), "203.0.113.7", "10.0.0.9", "http")
    request = Request(method, target.partition(b"?")[0].decode())
    exchange = Exchange("0199a1b2c3d4", received, request, Trace(TRACE_ID, SPAN_ID, parent_id, sampled), started=100.0)
    exchange.ended = 100.0125
    exchange.route, exchange.operation, exchange.upstream = "create-payment", "payment.create", "backend"
    exchange.attempts = [Attempt(1, 100.001, 100.0115, Delivery.ANSWERED, status=201)]
    exchange.steps = [Step("principal", "enforce", "passed", 0.0001)]
    exchange.delivery, exchange.response = Delivery.ANSWERED, Response(201)
    exchange.bytes_in, exchange.bytes_out = 600, 420
    for fact in facts:
        exchange.put(fact)
    for name, value in attributes.items():
        setattr(exchange, name, value)
    return exchange
