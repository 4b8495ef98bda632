"""The status of a payment, for its owner: ``/.payguard/payments/{id}`` on the data port."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from time import time
from typing import Any

import orjson
from starlette.datastructures import MutableHeaders as Headers

from gateway.dataplane.chain import Chain
from gateway.dataplane.router import Match
from gateway.dataplane.snapshot import Route
from gateway.errors import DependencyDown, Rejected
from gateway.exchange import Exchange
from gateway.facts import Principal
from gateway.ledger.owners import Owners
from gateway.ledger.protocol import Ledger
from gateway.ledger.records import SETTLED, Record
from gateway.messages import Response
from gateway.parts import Filter

NAME = "payguard.status"
PATH = "/.payguard/payments/{id}"

LONGEST_WAIT = 60
"""Seconds after which somebody who waits for a payment may ask again, at the latest."""

_ID = re.compile(r"[0-9a-z]{1,64}")
_CODE = re.compile(r"[a-z][a-z0-9_]*")


class PaymentNotFound(Rejected):
    """There is none of this id, or it is another's: who asks cannot tell which."""

    status = 404
    code = "payment_not_found"


class MethodNotAllowed(Rejected):
    status = 405
    code = "method_not_allowed"


class _Passed:
    """A fact: the filters that say who calls have passed the exchange on."""


class Callers:
    """Who calls, by those filters of a route that say so."""

    def __init__(self, filters: Sequence[Filter[Any]], buffer: int = 1 << 20) -> None:
        self._chain = Chain([(each, "enforce") for each in filters], self, buffer=buffer)

    async def dispatch(self, exchange: Exchange) -> Response:
        exchange.put(_Passed())
        return Response(204)

    async def of(self, exchange: Exchange) -> str | None:
        """The verified caller; None where nobody is named, or somebody who cannot prove it.

        Raises what keeps the filters from telling, such as an issuer that cannot be asked for its keys.
        """
        await self._chain(exchange)
        error, exchange.error = exchange.error, None
        if error is not None and not isinstance(error, Rejected):
            raise error
        principal = exchange.get(Principal)
        return None if error is not None or exchange.get(_Passed) is None or principal is None else principal.id


class Status:
    """Stands where a route has its upstream, and answers from the ledger.

    ``callers`` says for each route whose payments have owners how its callers are known.  Whoever is not a payment's
    owner is answered as if there were none of this id.
    """

    def __init__(
        self,
        ledger: Ledger | None,
        callers: Mapping[str, Callers],
        owners: Owners,
        now: Callable[[], float] = time,
    ) -> None:
        self._ledger = ledger
        self._owners = owners
        self._callers = callers
        self._now = now

    async def dispatch(self, exchange: Exchange) -> Response:
        if exchange.received.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("The status of a payment can only be read", headers={"allow": "GET, HEAD"})
        record = await self._find(exchange.params["id"])
        caller = await self._caller(exchange, record)
        if record is None or caller is None or record.owner not in (caller, *self._owners.names(caller)):
            raise PaymentNotFound("There is no such payment, or it is not the caller's")
        return self._answer(record)

    async def _find(self, id: str) -> Record | None:  # noqa: A002
        if self._ledger is None:
            raise DependencyDown("This gateway has no ledger")
        return await self._ledger.find(id) if _ID.fullmatch(id) else None

    async def _caller(self, exchange: Exchange, record: Record | None) -> str | None:
        """Asked also where there is no record, so that neither the answer nor its time tells of one."""
        callers = next(iter(self._callers.values()), None) if record is None else self._callers.get(record.route)
        return None if callers is None else await callers.of(exchange)

    def _answer(self, record: Record) -> Response:
        document = {
            "id": record.id,
            "state": record.state,
            "operation": record.operation,
            "amount": record.amount,
            "currency": record.currency,
            "created_at": _moment(record.created_at),
            "settled_at": _moment(record.settled_at),
            "reason": _reason(record),
        }
        headers = {"content-type": "application/json", "cache-control": "no-store"}
        if record.state not in SETTLED:
            headers["retry-after"] = str(self._wait(record))
        body = orjson.dumps(document, option=orjson.OPT_UTC_Z)
        return Response(200, headers=Headers(headers), body=body)

    def _wait(self, record: Record) -> int:
        """Until somebody who may know is asked; a human takes longer."""
        if record.due_at is None:
            return LONGEST_WAIT
        return min(max(ceil(record.due_at - self._now()), 1), LONGEST_WAIT)


def status_route(ledger: Ledger | None, callers: Mapping[str, Callers], owners: Owners) -> Route:
    return Route(NAME, Match(path=PATH), Chain([], Status(ledger, callers, owners)))


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _reason(record: Record) -> str | None:
    """A code of the gateway's; what a human wrote is for those who run it."""
    by_hand = bool(record.history) and record.history[-1].by.startswith("human:")
    return record.reason if not by_hand and _CODE.fullmatch(record.reason) else None
