"""Resending: a stored request goes to its upstream once more, and what the answer makes certain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.dataplane.attempt import conclusive
from gateway.dataplane.outcomes import Outcomes
from gateway.dataplane.rebuilt import rebuilt
from gateway.dataplane.upstream import Upstream
from gateway.errors import BodyTooLarge, UpstreamError
from gateway.exchange import Exchange, Reservation
from gateway.ledger.bodies import StoredRequest
from gateway.ledger.records import Record
from gateway.ledger.replay import Answered, Promise, Verdict
from gateway.messages import Response
from gateway.outcomes import Outcome

_BUFFER = 1 << 20

_DECLINED = 402
"""What refuses a payment after it was looked at.  Any other refusal, unless the route says otherwise, may have come
before the key was looked up (https://docs.stripe.com/api/idempotent_requests), and tells nothing of the first time."""

_VERDICTS: Mapping[Outcome, Verdict] = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.PENDING: "pending",
    Outcome.FAILED: "failed",
}


class Stored(Protocol):
    def open_request(self, record: Record) -> StoredRequest | None:
        """Unreadable where it cannot be opened."""


class Resending:
    """Of one policy: its upstreams by name, and what its routes make of answers."""

    def __init__(self, stored: Stored, upstreams: Mapping[str, Upstream], outcomes: Mapping[str, Outcomes]) -> None:
        self._stored = stored
        self._upstreams = upstreams
        self._outcomes = outcomes

    def promise(self, record: Record) -> Promise | None:
        upstream = self._upstreams.get(record.upstream)
        if upstream is None or upstream.idempotent is None:
            return None
        return Promise(upstream.idempotent.window, upstream.timeouts.total)

    def stored(self, record: Record) -> StoredRequest | None:
        stored = self._stored.open_request(record)
        if stored is None or not self._upstreams[record.upstream].has_key(rebuilt(record, stored, {})):
            return None
        return stored

    async def send(
        self, record: Record, stored: StoredRequest, headers: Mapping[str, str], epoch: int, send_by: float
    ) -> Answered:
        upstream = self._upstreams[record.upstream]
        exchange = rebuilt(record, stored, _without_key(upstream, headers))
        exchange.reservation = Reservation(record.id, epoch, send_by, sent=True)
        try:
            response = await upstream.dispatch(exchange)
            body = await _whole(response)
        except UpstreamError as error:
            return Answered("unknown", error.code)
        finally:
            exchange.abandon()
        return self._judged(record, exchange, response, body)

    def _judged(self, record: Record, exchange: Exchange, response: Response, body: bytes | None) -> Answered:
        detail = f"answered {response.status}"
        if not conclusive(exchange.attempts[-1]):
            return Answered("unknown", detail)
        outcomes = self._outcomes.get(record.route, _DEFAULT)
        ruled = outcomes.ruled(response.status, response.headers, body)
        if response.status >= 400 and response.status != _DECLINED and ruled is None:
            return Answered("unknown", f"{detail}, which says nothing of what was sent before")
        outcome = outcomes.of(response.status, response.headers, body) if ruled is None else ruled
        return Answered(_VERDICTS.get(outcome, "unknown"), detail)


_DEFAULT = Outcomes()


def _without_key(upstream: Upstream, headers: Mapping[str, str]) -> Mapping[str, str]:
    """Whatever credentials are named: under another key it would be another payment."""
    assert upstream.idempotent is not None
    key = upstream.idempotent.header.lower()
    return {name: value for name, value in headers.items() if name != key}


async def _whole(response: Response) -> bytes | None:
    try:
        return await response.body.buffer(_BUFFER)
    except BodyTooLarge:
        return None
