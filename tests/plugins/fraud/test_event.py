from __future__ import annotations

from plugins.fraud.event import FIRST_KEY, KINDS, LAST_KEY, MISSING, Event
from plugins.fraud.features import CODES, features
from plugins.fraud.state.memory import MemoryState
from tests.plugins.fraud.conftest import NOON, event


def test_every_field_that_may_be_missing_has_a_rule() -> None:
    assert set(Event._fields) - {"id", "at", "operation"} == set(MISSING)


def test_keys_are_the_fields_between_currency_and_account() -> None:
    paid = event(**{kind: kind for kind in KINDS})

    assert paid.keys == paid[FIRST_KEY:LAST_KEY] == KINDS


def test_a_payment_that_says_nothing_of_itself_is_scored_as_one_never_seen() -> None:
    bare = Event("p1", NOON)
    values = dict(zip(CODES, features(bare, MemoryState().look(bare)), strict=True))

    assert (values["amount"], values["amount_ratio"], values["amount_deviation"]) == (0, 1, 0)
    assert (values["new_user_amount"], values["country_mismatch"], values["email_bad_syntax"]) == (0, 0, 0)


def test_an_amount_without_a_currency_is_one_of_hundredths() -> None:
    state = MemoryState()
    state.look(event(1, customer="c1", currency=None, amount=500))
    later = event(2, customer="c1", currency=None, amount=500)
    values = dict(zip(CODES, features(later, state.look(later)), strict=True))

    assert (values["amount"], values["customer_sum_1d"], values["currency_mismatch"]) == (5, 5, 0)


def test_a_customer_who_is_missing_is_no_new_user() -> None:
    of_nobody, of_somebody = event(amount=90_000), event(amount=90_000, customer="c1")
    at = CODES.index("new_user_amount")

    assert features(of_nobody, MemoryState().look(of_nobody))[at] == 0
    assert features(of_somebody, MemoryState().look(of_somebody))[at] == 900
