"""Which refusals may be followed by another attempt: those that a policy names, and none that networks forbid."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from starlette.datastructures import Headers

from gateway.dataplane.declines import NEVER, Declines, decline_rule


def rule(code: str | None = None, **given: Any) -> Any:
    return decline_rule(frozenset(given.get("status", ())), given.get("header", {}), given.get("value", {}), code)


DECLINES = Declines(
    [rule("insufficient_funds"), rule("card_declined"), rule(value={"/reason_code": "51"}, status=[402])],
    [rule("account_frozen"), rule(header={"x-stop": "yes"})],
)


def kind(document: Any, status: int = 402, **headers: str) -> tuple[str, str]:
    said = DECLINES.of(status, Headers({name.replace("_", "-"): value for name, value in headers.items()}), document)
    return said.kind, said.code


def told(document: Any, status: int = 402, **headers: str) -> tuple[str, str]:
    return kind(orjson.dumps(document), status, **headers)


def test_a_decline_that_the_policy_names_is_soft() -> None:
    assert told({"code": "insufficient_funds"}) == ("soft", "insufficient_funds")
    assert told({"error": {"code": "card_declined", "decline_code": "x"}}) == ("soft", "x")
    assert told({"reason_code": "51"}) == ("soft", "")


@pytest.mark.parametrize("body", [None, b"", b"insufficient_funds", b"[]", b"{"])
def test_what_does_not_say_why_is_not(body) -> None:
    assert kind(body) == ("other", "")


def test_what_nobody_names_is_not() -> None:
    assert told({"code": "do_not_honor"}) == ("other", "do_not_honor")
    assert told({"reason_code": "51"}, 400) == ("other", "")


def test_what_the_policy_calls_never_wins_over_what_it_calls_soft() -> None:
    assert told({"code": "card_declined", "decline_code": "account_frozen"})[0] == "never"
    assert told({"code": "insufficient_funds"}, x_stop="yes")[0] == "never"


@pytest.mark.parametrize("code", sorted(NEVER))
def test_what_an_issuer_will_never_approve_is_never_soft(code) -> None:
    assert told({"error": {"code": "card_declined", "decline_code": code}}) == ("never", code)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("advice_code", "do_not_try_again"),
        ("network_advice_code", "03"),
        ("network_advice_code", "21"),
        ("merchant_advice_code", "03"),
        ("network_decline_code", "R1"),
        ("network_decline_code", "r3"),
        ("network_decline_code", "41"),
    ],
)
def test_what_card_networks_forbid_is_never_soft_wherever_it_stands(name, value) -> None:
    deep = {"payment": {"charges": [{"outcome": {name: value}}]}}

    assert told({"code": "insufficient_funds", **deep}) == ("never", "insufficient_funds")


@pytest.mark.parametrize(
    "document",
    [
        {"network_decline_code": 41},
        {"networkDeclineCode": "41"},
        {"network-decline-code": "R1"},
        {"network_advice_code": 3},
        {"merchantAdviceCode": "03 : Do not try again"},
        {"additionalData": {"refusalReasonRaw": "41 : Stolen card"}},
        {"refusalReason": "Stolen Card"},
        {"declineCode": "stolenCard"},
        {"decline_code": " STOLEN-CARD "},
        {"decline_code": ["insufficient_funds", "stolen_card"]},
        {"errors": [{"reason": "Lost card"}]},
    ],
)
def test_however_a_processor_spells_it(document) -> None:
    assert told({"code": "insufficient_funds", **document}) == ("never", "insufficient_funds")


def test_what_they_allow_is() -> None:
    for name, value in (("network_advice_code", "02"), ("network_decline_code", "51"), ("advice_code", "try_again")):
        assert told({"code": "insufficient_funds", name: value})[0] == "soft"


def test_a_number_that_is_no_code_forbids_nothing() -> None:
    for document in ({"network_decline_code": 51}, {"errors": 41}, {"code": "insufficient_funds", "reason": None}):
        assert told({"code": "insufficient_funds", **document})[0] == "soft"


def test_no_code_is_a_sentence_or_a_card_number() -> None:
    for written in ("4242424242424242", "Ada's card has no money", "", "x" * 65):
        assert told({"code": written, "decline_code": None}) == ("other", "")
