from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.claims import attempt_of, claim_of, method_of, reference_of

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


def test_a_reference_belongs_to_its_tenant_owner_and_operation() -> None:
    given = ("shop", "ada", "payment.create", "inv_1")
    others = [(*given[:n], "other", *given[n + 1 :]) for n in range(4)]

    assert len({reference_of(*given), *(reference_of(*each) for each in others)}) == 5
    assert reference_of(*given).hex() == "7292a5a6e2d9a5824a836fcef4b70b607c324b45e05d5b164d39b2dbff9227c9"


def test_a_stored_method_is_the_same_whoever_pays_with_it_and_another_for_another_tenant() -> None:
    assert method_of("shop", "pm_1").hex() == "7d61b1857f8b3441ebbe5cb4cb4006cf79439541c709e7c4779119b87d1a8b30"
    assert len({method_of("shop", "pm_1"), method_of("shop", "pm_2"), method_of("mall", "pm_1")}) == 3


def test_each_attempt_of_a_payment_has_a_claim_that_no_client_can_have() -> None:
    made = {attempt_of("aipny", 1), attempt_of("aipny", 2), attempt_of("aipnz", 1)}

    assert attempt_of("aipny", 1).hex() == "fa6590f8dc69b04d7b4c296b4bd5d759d2ad67eee24d76fdfa21205be52e4079"
    assert len(made) == 3
    assert claim_of("", "aipny", "1") not in made


def test_what_one_word_lends_to_its_neighbour_is_another_claim() -> None:
    assert claim_of("ab", "c", "k") != claim_of("a", "bc", "k")
    assert claim_of("a", "b", "") != claim_of("a", "", "b")
