from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers

from gateway.control.policy import OutcomeEntry, Policy, RouteEntry
from gateway.control.recording import Recording, outcomes_of, unacceptable
from gateway.control.scope import Services
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.salts import Salts
from gateway.database.sqlite import SqliteDatabase
from gateway.dataplane.pool import Address, Pool, PoolOptions
from gateway.dataplane.recorder import Recorder
from gateway.dataplane.retry import Retry
from gateway.dataplane.scheduling import SchedulingRecorder
from gateway.dataplane.terms import Terms
from gateway.dataplane.upstream import Idempotent, Timeouts, Upstream
from gateway.exchange import Exchange
from gateway.ledger.keeping import KeepingConfig
from gateway.ledger.recovery import RecoveryConfig
from gateway.ledger.sql import SqlLedger
from gateway.outcomes import Outcome
from gateway.parts import Config, Filter
from gateway.store.memory import MemoryStore
from tests.gateway.control.test_policy_retries import LEAST

PAYMENT = {"operation": "payment.create", "amount": "/amount", "currency": "/currency"}
BARE = {"name": "pay", "match": {}, "upstream": "b"}
ACCEPT = {"most": 10, "for": "10m", "ceiling": {"eur": 5000}}


class Claims(Filter[Config]):
    name = "claims"
    reserves = True

    def __init__(self) -> None: ...

    async def on_request(self, exchange: Exchange) -> None:
        """It asks."""


def route(accept: dict[str, Any] | None = None, **given: Any) -> RouteEntry:
    when = "refuse" if accept is None else {"accept": accept}
    fields = {"name": "pay", "match": {"path": "/pay"}, "upstream": "backend", "payment": PAYMENT} | given
    return RouteEntry.model_validate(fields | {"when_unreachable": when})


def secret(reference: str) -> str:
    if reference != "env:TOKEN":
        raise ValueError("the environment variable GONE is not set")
    return "Bearer x"


def problems(entry: RouteEntry, filters: tuple[Filter[Any], ...] = (Claims(),)) -> list[tuple[Any, ...]]:
    return [path for path, _ in unacceptable(entry, filters, secret)]


def test_rules_of_a_policy_are_rules_of_the_data_plane() -> None:
    entries = [
        OutcomeEntry.model_validate({"status": 402, "outcome": "failed"}),
        OutcomeEntry.model_validate({"status": [500, 503], "code": "not_processed", "outcome": "released"}),
        OutcomeEntry.model_validate({"header": {"x-state": "later"}, "outcome": "pending"}),
        OutcomeEntry.model_validate({"value": {"/status": "processing"}, "outcome": "pending"}),
    ]
    outcomes = outcomes_of(entries)
    none = Headers()
    assert outcomes.of(402, none, b"") is Outcome.FAILED
    assert outcomes.of(503, none, b'{"code": "not_processed"}') is Outcome.RELEASED
    assert outcomes.of(503, none, b"{}") is Outcome.IN_DOUBT
    assert outcomes.of(200, Headers({"x-state": "later"}), b"") is Outcome.PENDING
    assert outcomes.of(200, none, b'{"status": "processing"}') is Outcome.PENDING


def test_a_route_that_refuses_has_no_problems() -> None:
    assert problems(route(), ()) == []


def test_a_route_that_accepts_what_it_can_keep_has_none() -> None:
    assert problems(route(ACCEPT | {"headers": {"authorization": "env:TOKEN"}})) == []


@pytest.mark.parametrize("payment", [None, {"operation": "payment.capture"}])
def test_what_is_accepted_has_a_known_amount(payment: dict[str, Any] | None) -> None:
    assert problems(route(ACCEPT, payment=payment)) == [("accept",)]


def test_what_is_accepted_is_claimed() -> None:
    assert problems(route(ACCEPT), ()) == [("accept",)]


def test_a_ceiling_is_in_a_currency_that_there_is() -> None:
    assert problems(route(ACCEPT | {"ceiling": {"eur": 1, "xxy": 1}})) == [("accept", "ceiling", "xxy")]


def test_a_credential_is_to_be_had() -> None:
    assert problems(route(ACCEPT | {"headers": {"authorization": "env:GONE"}})) == [
        ("accept", "headers", "authorization")
    ]


KEYRING = LocalKeyring.parse("1:" + "11" * 32)


def recorder(ledger: SqlLedger | None, resolvers: tuple[str, ...] = (), **given: Any) -> Recorder | None:
    """Of the route, whose upstream is idempotent unless it is said otherwise."""
    promise = Idempotent(3600.0) if given.pop("idempotent", True) else None
    filters = given.pop("filters", (Claims(),))
    services = Services(
        store=MemoryStore(), salts=Salts.parse("00" * 16), environ={"TOKEN": "x"}, ledger=ledger, keyring=KEYRING
    )
    policy = Policy.model_validate({"version": 1, "upstreams": {"b": {"url": "http://a"}}, "routes": [BARE]})
    recording = Recording(
        services,
        policy,
        "digest",
        keeping=KeepingConfig.model_validate(
            {"retention": "5d", "claim": "3s", "grace": "2s", "bodies": {"most": 100}}
        ),
        recovery=RecoveryConfig.model_validate({"stuck_after": "7s", "resolvers": resolvers}),
    )
    upstream = Upstream("b", Pool(Address("http", "a", 80), PoolOptions()), Timeouts(), Retry(), idempotent=promise)
    return recording.of(route(**given), upstream, [(each, "enforce") for each in filters])


def terms(ledger: SqlLedger, *given: Any, **more: Any) -> Terms:
    made = recorder(ledger, *given, **more)
    assert made is not None
    return made._terms


def test_a_process_without_a_ledger_records_nothing() -> None:
    assert recorder(None) is None


async def test_what_the_policy_says_of_the_ledger_and_recovery_holds_for_each_payment(sqlite_path: Path) -> None:
    its = terms(SqlLedger(SqliteDatabase(sqlite_path)))
    assert (its.route, its.operation, its.policy) == ("pay", "payment.create", "digest")
    assert (its.keep, its.claim, its.grace, its.stuck_after) == (5 * 86400.0, 3.0, 2.0, 7.0)


async def test_bodies_are_kept_as_large_as_the_policy_says(sqlite_path: Path) -> None:
    made = recorder(SqlLedger(SqliteDatabase(sqlite_path)))
    assert made is not None
    assert made.bodies.answer("p1", 200, [], b"x" * 90) is not None
    assert made.bodies.answer("p1", 200, [], b"x" * 100) is None


@pytest.mark.parametrize(
    ("resolvers", "given", "kept", "at_once"),
    [
        (("replay",), {}, True, False),
        ((), {}, False, True),
        (("replay",), {"idempotent": False}, False, True),
        (("replay",), {"filters": ()}, False, False),
        ((), {"accept": ACCEPT}, False, False),
    ],
    ids=["replayed", "no replay", "not idempotent", "nothing is claimed", "it accepts"],
)
async def test_a_request_is_kept_where_it_may_be_sent_again_and_then_never_recorded_as_sent_at_once(
    sqlite_path: Path, resolvers: tuple[str, ...], given: dict[str, Any], kept: bool, at_once: bool
) -> None:
    its = terms(SqlLedger(SqliteDatabase(sqlite_path)), resolvers, **given)
    assert (its.keep_request, its.at_once) == (kept, at_once)


async def test_a_route_that_tries_again_has_a_recorder_that_plans_it_and_others_do_not(sqlite_path: Path) -> None:
    ledger = SqlLedger(SqliteDatabase(sqlite_path))
    plain, trying = recorder(ledger), recorder(ledger, scheduled_retry=LEAST | {"most_per_card": 7})

    assert type(plain) is Recorder
    assert isinstance(trying, SchedulingRecorder)
    assert (trying.retry.tenant, trying.retry.caps.method, trying.held()) == ("default", 7, (3.0, 5.0))
