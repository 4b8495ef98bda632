from __future__ import annotations

import pytest

from gateway.ledger.owners import Owners
from gateway.telemetry.masking import Masking

OWNERS = Owners(Masking(), lambda purpose, caller: [f"2:{purpose}-{caller[-4:]}", f"1:{purpose}-{caller[-4:]}"])


@pytest.mark.parametrize("caller", ["ada", "user-42", "9f1c2f1e-7d3b-4f0e-9d55-0b8a3c1d2e4f", "ada@example.org"])
def test_a_caller_is_known_by_the_own_name(caller: str) -> None:
    assert OWNERS.known_as(caller) == caller
    assert OWNERS.names(caller) == (caller,)


@pytest.mark.parametrize("caller", ["4111111111111111", "4111 1111 1111 1111", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"])
def test_one_whose_name_may_be_a_secret_is_known_by_a_keyed_hash(caller: str) -> None:
    assert OWNERS.known_as(caller) == f"2:owner-{caller[-4:]}"
    assert OWNERS.names(caller) == [f"2:owner-{caller[-4:]}", f"1:owner-{caller[-4:]}"]


def test_what_a_caller_is_known_as_stays_as_it_is() -> None:
    known = Owners(Masking(), lambda *_: ["1:" + "4a" * 32]).known_as("4111111111111111")
    assert OWNERS.known_as(known) == known
