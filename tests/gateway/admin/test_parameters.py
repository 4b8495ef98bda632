from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.admin.parameters import MOST, NAMES, BadParameter, Decision, asked_of, decision_of
from gateway.ledger.records import Query, State


def query(*given: tuple[str, str]) -> Query:
    return asked_of(given).query


def body(**given: Any) -> bytes:
    return json.dumps({"state": "succeeded", "reason": "seen in the bank's list"} | given).encode()


def test_nothing_given_asks_for_the_newest() -> None:
    assert query() == Query()


def test_what_is_given_is_asked_for() -> None:
    asked = asked_of(
        [
            ("state", "in_doubt"),
            ("route", "create-payment"),
            ("owner", "user-7"),
            ("key", "order-1"),
            ("customer", "cus_1"),
            ("least", "100"),
            ("most", "2000"),
            ("currency", "EUR"),
            ("request_id", "abc"),
            ("older_than", "15m"),
            ("limit", "10"),
            ("cursor", "pabc"),
        ]
    )

    assert (asked.key, asked.customer) == ("order-1", "cus_1")
    assert asked.query == Query(
        states=(State.IN_DOUBT,),
        route="create-payment",
        owner="user-7",
        request_id="abc",
        least=100,
        most=2000,
        currency="eur",
        older_than=900.0,
        limit=10,
        cursor="pabc",
    )


def test_an_empty_parameter_is_as_good_as_none() -> None:
    assert query(*((name, "") for name in NAMES)) == Query()


@pytest.mark.parametrize(
    "given",
    [[("state", "in_doubt,unresolved")], [("state", "in_doubt"), ("state", "unresolved"), ("state", "in_doubt")]],
)
def test_states_may_be_several(given: list[tuple[str, str]]) -> None:
    assert query(*given).states == (State.IN_DOUBT, State.UNRESOLVED)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("sate", "sent", "did you mean 'state'"),
        ("state", "in-doubt", "did you mean 'in_doubt'"),
        ("least", "ten", "no amount in minor units: write 1000"),
        ("least", "-1", "no amount"),
        ("most", "1.5", "no amount"),
        ("most", "9" * 30, "no amount"),
        ("currency", "euro", "write three letters, as in eur"),
        ("older_than", "15", "write a duration as 250ms, 8s, 15m, 23h or 7d"),
        ("limit", "0", f"say 1 to {MOST}"),
        ("limit", "501", f"say 1 to {MOST}"),
        ("limit", "many", f"say 1 to {MOST}"),
        ("cursor", "a/b", "give what next said"),
        ("owner", "a\0b", "cannot be seen"),
        ("key", "order-1", "needs owner"),
    ],
)
def test_a_parameter_that_is_wrong_says_which_it_is_and_how_to_mend_it(name: str, value: str, says: str) -> None:
    with pytest.raises(BadParameter, match="^" + name) as raised:
        query((name, value))
    assert says in str(raised.value)
    assert raised.value.name == name


def test_a_parameter_is_given_once() -> None:
    with pytest.raises(BadParameter, match="owner: give it once"):
        query(("owner", "a"), ("owner", "b"))


def test_least_is_not_more_than_most() -> None:
    with pytest.raises(BadParameter, match="least: 10 is more than most, which is 9"):
        query(("least", "10"), ("most", "9"))


def test_a_decision_says_what_why_who_and_on_what_it_was_made() -> None:
    given = body(reason="  seen in\nthe list ", by="ann@shop.example", revision=4)

    assert decision_of(given) == Decision(State.SUCCEEDED, "seen in the list", "ann@shop.example", 4)


def test_a_payment_is_released_only_by_who_says_that_it_was_never_executed() -> None:
    assert decision_of(body(state="released", never_executed=True)).state is State.RELEASED
    for given in (body(state="released"), body(state="released", never_executed=False)):
        with pytest.raises(BadParameter, match="never_executed: a released payment is executed when its key comes"):
            decision_of(given)


@pytest.mark.parametrize(
    ("given", "name", "says"),
    [
        (b"state=failed", "body", "is no JSON"),
        (b"[]", "body", "valid dictionary"),
        (b"{}", "state", "is required"),
        (b'{"state": "failed"}', "reason", "is required"),
        (body(state="sent"), "state", "should be 'succeeded', 'failed' or 'released'"),
        (body(reason=" x "), "reason", "has 1 characters: write 3 to 500"),
        (body(reason="x" * 501), "reason", "has 501 characters"),
        (body(reason="a\x00bc"), "reason", "cannot be seen"),
        (body(reason=7), "reason", "valid string"),
        (body(by=""), "by", "is a name"),
        (body(by="a b"), "by", "is a name"),
        (body(by="x" * 65), "by", "at most 64"),
        (body(revision="4"), "revision", "valid integer"),
        (body(reson="x"), "reson", "did you mean 'reason'"),
        (body(never_executed=True), "never_executed", "goes with released, not with succeeded"),
        (body(state="released", never_executed="true"), "never_executed", "valid boolean"),
    ],
)
def test_a_decision_that_is_wrong_says_which_member_and_why(given: bytes, name: str, says: str) -> None:
    with pytest.raises(BadParameter) as raised:
        decision_of(given)
    assert raised.value.name == name
    assert says in str(raised.value)
