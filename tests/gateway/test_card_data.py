from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.card_data import card_fields, kind_of, shown, suspected

CARD = "4111111111111111"


def found(document: Any, spared: frozenset[str] = frozenset()) -> set[tuple[str, str]]:
    return {(each.name, each.kind) for each in card_fields(document, spared)}


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ({"card": {"number": CARD}}, {("/card/number", "card")}),
        ({"a": [{"b": CARD}, {"b": "4111-1111 1111.1111"}]}, {("/a/*/b", "card")}),
        ({"n": int(CARD)}, {("/n", "card")}),
        ({"text": f"pay with {CARD} please"}, {("/text", "card")}),
        ({"x": "%34111111111111111"}, {("/x", "card")}),
        ({CARD: 1}, {("/*", "card")}),
        ({CARD: {"y": CARD}}, {("/*", "card"), ("/*/y", "card")}),
        ({"card": {"cvc": "123"}}, {("/card/cvc", "security_code")}),
        ({"cvcs": ["123"]}, {("/cvcs/*", "security_code")}),
        ({"a/b": CARD}, {("/a~1b", "card")}),
        ([CARD], {("/*", "card")}),
        (CARD, {("", "card")}),
        ({"amount": 1000, "at": 1762345678128, "ok": True, "cvc_check": "pass"}, set()),
    ],
)
def test_fields_are_named_by_their_pointers_and_never_by_what_they_hold(
    document: Any, fields: set[tuple[str, str]]
) -> None:
    assert found(document) == fields


def test_a_field_that_is_spared_holds_no_card() -> None:
    assert found({"order_id": CARD, "number": CARD}, frozenset({"orderid"})) == {("/number", "card")}


def test_the_way_leads_to_the_field_itself() -> None:
    [field] = card_fields({"a": [0, {"b": CARD}]})
    assert field.way == ("a", "1", "b")


def test_what_lies_too_deep_is_not_looked_at() -> None:
    document: Any = CARD
    for _ in range(70):
        document = [document]
    assert found(document) == set()


@pytest.mark.parametrize(("name", "written"), [("card", "card"), (CARD, "*"), ("x" * 61, "*"), ("a\nb", "*")])
def test_a_name_that_says_too_much_is_not_shown(name: str, written: str) -> None:
    assert shown(name) == written


@pytest.mark.parametrize("document", [{"x": CARD}, {"x": "4111 1111 1111 1111"}, {"cvc": "123"}, {"x": "\uff14"}])
def test_what_holds_card_data_is_suspected(document: Any) -> None:
    assert suspected(orjson.dumps(document))


def test_an_ordinary_body_is_not_suspected() -> None:
    assert not suspected(b'{"amount": 1000, "currency": "eur", "email": "ada@example.org"}')


def test_only_texts_and_whole_numbers_hold_any() -> None:
    assert [kind_of("x", each) for each in (None, True, 1.5, [CARD])] == [None] * 4
