from __future__ import annotations

from typing import Any

from gateway.dataplane.rebuilt import end, rebuilt
from gateway.dataplane.upstream import target
from gateway.exchange import Exchange
from gateway.ledger.bodies import StoredRequest
from gateway.ledger.records import Record, State

STORED = StoredRequest(
    "POST", "/v1/pay%20ments?a=1&a=2", [(b"idempotency-key", b"ab"), (b"content-type", b"application/json")], b'{"a":1}'
)


def record() -> Record:
    fields: dict[str, Any] = dict.fromkeys(Record.__dataclass_fields__)
    return Record(**fields | {"id": "abc", "state": State.ACCEPTED, "route": "pay", "operation": "payment.create"})


def test_an_exchange_is_sent_as_it_was_stored() -> None:
    made = rebuilt(record(), STORED, {})
    assert (made.request.method, target(made), made.request.body.data) == ("POST", STORED.target, STORED.body)
    assert made.request.headers.raw == list(STORED.headers)
    assert (made.route, made.operation) == ("pay", "payment.create")


def test_credentials_take_the_place_of_those_that_were_not_kept() -> None:
    made = rebuilt(record(), STORED, {"authorization": "Bearer x", "content-type": "text/plain"})
    assert made.request.headers["authorization"] == "Bearer x"
    assert made.request.headers.getlist("content-type") == ["text/plain"]


def test_each_has_an_id_and_a_trace_of_its_own() -> None:
    first, second = rebuilt(record(), STORED, {}), rebuilt(record(), STORED, {})
    assert first.id != second.id
    assert first.trace.trace_id != second.trace.trace_id


async def test_it_ends_as_any_other_and_an_observer_that_fails_costs_nobody_else_theirs() -> None:
    made, told = rebuilt(record(), STORED, {}), []

    async def last() -> None:
        told.append("last")

    def fails(_: Exchange) -> None:
        raise RuntimeError("a bug")

    made.at_end(last)
    made.abandon_by(lambda: told.append("abandoned"))
    await end(made, [fails, lambda each: told.append(each.id)])

    assert told == ["last", "abandoned", made.id]
    assert made.ended > 0
