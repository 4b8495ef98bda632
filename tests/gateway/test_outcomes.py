from __future__ import annotations

import pytest

from gateway.exchange import Attempt, Delivery
from gateway.messages import Response
from gateway.outcomes import Outcome, outcome, outcome_of
from tests.gateway.telemetry.exchanges import ended


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([200, 201, 204], Outcome.SUCCEEDED),
        ([202], Outcome.PENDING),
        ([401, 403, 429], Outcome.RELEASED),
        ([408, 409, 425, 500, 502, 503, 504, 599], Outcome.IN_DOUBT),
        ([400, 402, 404, 410, 422], Outcome.FAILED),
        ([301, 304], Outcome.IN_DOUBT),
        ([None], Outcome.IN_DOUBT),
    ],
)
def test_an_answer_means_what_the_design_says(statuses, expected):
    assert {outcome(Delivery.ANSWERED, status) for status in statuses} == {expected}


@pytest.mark.parametrize("status", [None, 200, 402, 503])
def test_nothing_sent_is_released_and_nothing_certain_is_in_doubt(status):
    assert outcome(Delivery.UNSENT, status) is Outcome.RELEASED
    assert outcome(Delivery.UNKNOWN, status) is Outcome.IN_DOUBT


def test_what_filters_make_of_an_answer_does_not_change_what_became_of_the_payment():
    exchange = ended(attempts=[Attempt(1, 0.0, 0.1, Delivery.ANSWERED, status=201)], response=Response(500))
    assert outcome_of(exchange) is Outcome.SUCCEEDED


def test_an_attempt_that_got_nowhere_does_not_take_back_what_the_one_before_was_told():
    attempts = [Attempt(1, 0.0, 0.1, Delivery.ANSWERED, status=429), Attempt(2, 0.2, 0.3, error="upstream_unreachable")]
    assert outcome_of(ended(attempts=attempts)) is Outcome.RELEASED
