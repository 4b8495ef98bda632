from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.people import PersonName, Reason

NAMES, REASONS = TypeAdapter(PersonName), TypeAdapter(Reason)


@pytest.mark.parametrize("name", ["ada", "ada@example.com", "A.Lovelace+x", "4711"])
def test_a_name_or_an_e_mail_address_is_a_person_s(name: str) -> None:
    assert NAMES.validate_python(name) == name


@pytest.mark.parametrize("name", ["", "a b", "-ada", "a" * 65, "ada\n", "4242424242424242", "4242.4242.4242.4242"])
def test_nothing_else_is_and_no_number_of_a_card(name: str) -> None:
    with pytest.raises(ValidationError):
        NAMES.validate_python(name)


def test_a_reason_is_a_line_of_text() -> None:
    assert REASONS.validate_python("three chargebacks in 2026-11, order 12345678") == (
        "three chargebacks in 2026-11, order 12345678"
    )


@pytest.mark.parametrize(
    "reason",
    ["no", "two\nlines", "x" * 501, "card 4242 4242 4242 4242", "card 4242.4242.4242\u00a04242", "4242-4242-4242-4242"],
)
def test_a_reason_holds_no_number_of_a_card_however_it_is_grouped(reason: str) -> None:
    with pytest.raises(ValidationError):
        REASONS.validate_python(reason)
