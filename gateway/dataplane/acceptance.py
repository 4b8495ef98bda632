"""Acceptance: a payment whose upstream cannot be reached is kept, durably, and sent when it is back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.datastructures import MutableHeaders as Headers

from gateway.dataplane.problem import render
from gateway.errors import UpstreamUnreachable
from gateway.exchange import Exchange, Reservation
from gateway.facts import Payment
from gateway.ledger.records import State
from gateway.messages import Response
from gateway.security_codes import names_code

STATUS_PATH = "/.payguard/payments/"

_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})
"""They are the caller's own, for this one request; and are never stored."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What may wait on one route: so many, for so many seconds, and per currency so many minor units altogether.

    A currency that has no ceiling is not kept at all.  ``headers`` replace the caller's credentials where a payment is
    sent later.
    """

    most: int
    seconds: float
    ceiling: Mapping[str, int]
    headers: Mapping[str, str]
    rate: float = 5.0


def reason_against(exchange: Exchange, limits: Limits) -> str | None:
    """Why this payment cannot be kept, as a word for the log; None where nothing speaks against it."""
    payment = exchange.get(Payment)
    if payment is None or payment.amount is None or payment.currency not in limits.ceiling:
        return "no_ceiling_for_its_currency"
    return unkeepable(exchange, limits.headers)


def unkeepable(exchange: Exchange, headers: Mapping[str, str]) -> str | None:
    """Why a request may not be stored, even sealed.  ``headers`` replace the caller's credentials when it is sent."""
    request = exchange.request
    if request.body.data is None:
        return "body_not_whole"
    if any(name in request.headers and name not in headers for name in _CREDENTIALS):
        return "credentials_of_the_caller"
    content = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content == "application/json" or content.endswith("+json"):
        names = _keys(request.json())
    elif content == "application/x-www-form-urlencoded":
        names = (name for name, _ in parse_qsl(request.body.data.decode("latin-1"), keep_blank_values=True))
    else:
        return "body_of_unknown_form"
    asked = (name for name, _ in parse_qsl(request.query, keep_blank_values=True))
    return "security_code" if any(map(names_code, chain(names, asked))) else None


def _keys(document: Any) -> Iterator[str]:
    match document:
        case dict():
            for key, value in document.items():
                yield key
                yield from _keys(value)
        case list():
            for each in document:
                yield from _keys(each)


def accepted(exchange: Exchange, reservation: Reservation, state: State = State.ACCEPTED) -> Response:
    """202 with where to ask what becomes of it (RFC 9110 §15.3.3)."""
    where = STATUS_PATH + reservation.id
    body = orjson.dumps({"id": reservation.id, "state": state, "status": where, "request_id": exchange.id})
    headers = {"content-type": "application/json", "cache-control": "no-store", "location": where}
    return Response(202, headers=Headers(headers), body=body)


def refused(exchange: Exchange, error: UpstreamUnreachable, *, after: int = 1) -> Response:
    """The problem as it was, and when it is worth another try; of a route that accepts, also why this one was not."""
    response = render(error, exchange.id)
    response.headers.setdefault("retry-after", str(after))
    return response
