from __future__ import annotations

from gateway.dataplane.terms import Terms


def test_a_claim_is_over_before_its_lease_is() -> None:
    terms = Terms("pay", "payment.create", "digest")
    assert terms.grace > 0
    assert terms.claim + terms.grace > terms.claim


def test_nothing_is_accepted_or_kept_unless_the_route_says_so() -> None:
    terms = Terms("pay", "payment.create", "digest")
    assert terms.limits is None
    assert not terms.keep_request
    assert not terms.at_once
