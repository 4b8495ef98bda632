"""When a declined payment is tried again, and what its request says of that."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.dataplane.declines import Declines
from gateway.dataplane.payment import InvalidPayment
from gateway.dataplane.retry_terms import Pauses, RetryTerms, Said, read
from gateway.ledger.schedules import Caps
from gateway.ledger.settling import Backoff

TERMS = RetryTerms(
    ("order", "invoice"),
    ("method",),
    [(("off_session",), "true"), (("agreement", "kind"), "mandate")],
    "shop",
    Declines([]),
    Pauses((1.0,)),
    60.0,
    Caps(5, 15),
    {},
    Backoff(1.0, 1.0),
)
WHOLE: dict[str, Any] = {
    "order": {"invoice": "inv_1"},
    "method": "pm_1",
    "off_session": True,
    "agreement": {"kind": "mandate"},
}


def test_pauses_are_taken_one_after_the_other_and_then_there_is_none() -> None:
    pauses = Pauses((10.0, 20.0))

    assert [pauses.after(each) for each in range(3)] == [10.0, 20.0, None]


def test_or_they_double_up_to_the_longest() -> None:
    pauses = Pauses((10.0,), 50.0)

    assert [pauses.after(each) for each in (0, 1, 2, 3, 1000)] == [10.0, 20.0, 40.0, 50.0, 50.0]


def test_jitter_makes_them_longer_and_never_shorter() -> None:
    drawn = {Pauses((10.0,), jitter=0.5).after(0) for _ in range(50)}

    assert len(drawn) > 10
    assert all(each is not None and 10.0 <= each <= 15.0 for each in drawn)


def test_a_request_says_what_is_paid_for_how_and_whether_the_payer_agreed() -> None:
    assert read(TERMS, WHOLE) == Said("inv_1", "pm_1", consented=True)
    assert read(TERMS, {}) == Said(None, None, consented=False)


@pytest.mark.parametrize(
    "change", [{"off_session": False}, {"off_session": "yes"}, {"agreement": {}}, {"agreement": {"kind": ["mandate"]}}]
)
def test_all_that_the_policy_names_must_be_said(change: dict[str, Any]) -> None:
    assert not read(TERMS, WHOLE | change).consented


@pytest.mark.parametrize(("given", "reference"), [("a", "a"), (12, "12"), (None, None), ("x" * 255, "x" * 255)])
def test_a_reference_is_a_text_or_an_integer_or_missing(given: Any, reference: str | None) -> None:
    assert read(TERMS, WHOLE | {"order": {"invoice": given}}).reference == reference


@pytest.mark.parametrize("given", ["", "x" * 256, True, 1.5, [], {}])
def test_anything_else_is_refused_with_the_pointer_to_it(given: Any) -> None:
    with pytest.raises(InvalidPayment) as refused:
        read(TERMS, WHOLE | {"order": {"invoice": given}})

    assert refused.value.members["pointer"] == "/order/invoice"


@pytest.mark.parametrize("given", ["4242424242424242", "4242 4242-4242 4242", "", "x" * 256, 7, None, {}])
def test_what_no_processor_has_stored_is_no_method(given: Any) -> None:
    assert read(TERMS, WHOLE | {"method": given}).method is None
