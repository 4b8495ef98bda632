from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.claims import claim_of

WORDS = st.tuples(st.text(), st.text(), st.text())


def test_a_claim_is_what_it_always_was_for_the_keys_of_clients_outlive_a_version_of_the_gateway() -> None:
    assert claim_of("user-7", "create-payment", "order-1").hex() == (
        "8db69404b6f565fd7f5a95b60bf09c49f8cb9d5cdcf178c77320126ee3ee11a1"
    )


def test_a_claim_belongs_to_its_owner_its_route_and_its_key() -> None:
    claims = [claim_of("a", "r", "k"), claim_of("b", "r", "k"), claim_of("a", "s", "k"), claim_of("a", "r", "l")]

    assert all(one != other for one, other in combinations(claims, 2))
    assert {len(claim) for claim in claims} == {32}


@given(WORDS, WORDS)
def test_no_two_of_owner_route_and_key_make_the_same_claim(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assert (claim_of(*one) == claim_of(*other)) == (one == other)


def test_what_one_word_lends_to_its_neighbour_is_another_claim() -> None:
    assert claim_of("ab", "c", "k") != claim_of("a", "bc", "k")
    assert claim_of("a", "b", "") != claim_of("a", "", "b")
