from __future__ import annotations

from gateway import DependencyDown, FieldRefused
from plugins.tokenise.problems import (
    AlreadyToken,
    NoCardNumber,
    NoCustomer,
    NotToken,
    TokenUnknown,
    TooManyCards,
    VaultUnreadable,
)


def test_each_problem_has_a_code_of_its_own_and_is_the_client_s() -> None:
    kinds = (FieldRefused, NoCardNumber, AlreadyToken, NotToken, TokenUnknown, NoCustomer, TooManyCards)
    assert len({each.code for each in kinds}) == len(kinds)
    assert {each.status for each in kinds} == {422}


def test_what_the_vault_cannot_open_is_not_the_client_s() -> None:
    assert issubclass(VaultUnreadable, DependencyDown)
    assert VaultUnreadable.status == 503
