from __future__ import annotations

import re

import pytest

from gateway import is_card
from plugins.tokenise.tokens import (
    card_number,
    digest,
    is_vault_token,
    new_token,
    shows,
    with_last_four,
    without_last_four,
)

CARD = "4242424242424242"


@pytest.mark.parametrize("value", [CARD, "4242 4242 4242 4242", "4242-4242-4242-4242", int(CARD)])
def test_a_card_number_is_read_however_its_digits_stand_apart(value) -> None:
    assert card_number(value) == CARD


@pytest.mark.parametrize("value", ["378282246310005", "6011111111111117", "5555555555554444", "3056930009020004"])
def test_cards_of_every_length_that_networks_issue_are_taken(value) -> None:
    assert card_number(value) == value


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            "4242424242424241",
            "424242424242",
            "0000000000000000",
            "123",
            "4242x424242424242",
            "\u0664" + CARD[1:],
            CARD * 2,
        ),
        True,
        4242.0,
        None,
        [CARD],
        {"n": CARD},
    ],
)
def test_what_is_no_card_number_is_none(value) -> None:
    assert card_number(value) is None


def test_a_token_is_of_136_random_bits_and_never_passes_for_a_number() -> None:
    tokens = {new_token() for _ in range(200)}
    assert len(tokens) == 200
    for token in tokens:
        shown = with_last_four(token, CARD)
        assert is_vault_token(token)
        assert is_vault_token(shown)
        assert shown == f"{token}_4242"
        assert not is_card(re.sub(r"\D", "", shown))
        assert card_number(shown) is None


@pytest.mark.parametrize("value", ["tok_", "tok_1Abcdefghijklmnopqrstuv", f"tok_{'a' * 24}_42424", CARD, None, 4])
def test_what_is_no_token_does_not_look_like_one(value) -> None:
    assert not is_vault_token(value)


def test_the_digits_that_a_token_shows_must_be_its_card_s() -> None:
    token = new_token()
    assert shows(token, CARD)
    assert shows(f"{token}_4242", CARD)
    assert not shows(f"{token}_4243", CARD)


def test_a_token_has_one_digest_with_its_last_four_and_without() -> None:
    token = new_token()
    assert without_last_four(f"{token}_4242") == token
    assert digest(f"{token}_4242") == digest(token) != digest(new_token())
