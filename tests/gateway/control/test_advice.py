from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.control.advice import unrecoverable, unschedulable
from gateway.control.placing import Placed
from gateway.control.policy import Policy
from gateway.credentials import Credentials
from gateway.ledger.replay import Replay
from gateway.parts import Config, Resolver
from tests.gateway.control.test_policy_retries import LEAST

PAYMENT = {"operation": "payment.create"}


class Bank(Resolver[Config]):
    name = "bank"


def policy(*, idempotent: bool = False) -> Policy:
    route = {"match": {}, "upstream": "b"}
    return Policy.model_validate(
        {
            "version": 1,
            "upstreams": {"b": {"url": "http://a", "idempotent": {"window": "1h"} if idempotent else False}},
            "routes": [{"name": "read", **route}, {"name": "pay", "payment": PAYMENT, **route}],
        }
    )


def placed(kind: type[Resolver[Any]]) -> Placed:
    return Placed(("components", "recovery", "resolvers", 0, kind.name), kind.name, "enforce", kind, Config())


def told(*kinds: type[Resolver[Any]], idempotent: bool = True, sealed: bool = True) -> list[tuple[Any, str]]:
    return list(unrecoverable(policy(idempotent=idempotent), [placed(kind) for kind in kinds], sealed=sealed))


def test_a_route_with_payments_wants_somebody_to_ask() -> None:
    [(path, message)] = told()

    assert path == ("routes", 1, "payment")
    assert message.startswith("has nobody to ask")
    assert told(Bank) == []


@pytest.mark.parametrize(
    ("idempotent", "sealed", "why"),
    [(False, True, "no upstream is `idempotent`"), (False, False, "no upstream is"), (True, False, "ENCRYPTION_KEY")],
)
def test_a_replay_that_can_send_nothing_is_told_why(idempotent, sealed, why) -> None:
    [(path, message)] = told(Bank, Replay, idempotent=idempotent, sealed=sealed)

    assert path[-1] == "replay"
    assert why in message


def test_a_credential_in_the_place_of_the_key_is_none() -> None:
    config = Credentials.model_validate({"headers": {"Idempotency-Key": "env:A", "x-api-key": "env:B"}})
    replay = replace(placed(Replay), config=config)
    [(path, message)] = unrecoverable(policy(idempotent=True), [replay], sealed=True)

    assert path[-2:] == ("headers", "idempotency-key")
    assert "is no credential" in message


def test_a_replay_that_can_is_left_alone() -> None:
    assert told(Replay) == []


def test_a_route_that_tries_again_is_told_where_no_request_is_kept() -> None:
    given = policy(idempotent=True).model_dump(by_alias=True, exclude_unset=True)
    given["routes"][1]["scheduled_retry"] = LEAST
    trying = Policy.model_validate(given | {"upstreams": {"b": {"url": "http://a"}}})

    assert [path for path, _ in unschedulable(trying, sealed=False)] == [("routes", 1, "scheduled_retry")]
    assert list(unschedulable(trying, sealed=True)) == []
    assert list(unschedulable(policy(), sealed=False)) == []
