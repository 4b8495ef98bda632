"""What a client is told."""

from __future__ import annotations

import pytest

from gateway import Rejected
from plugins.fraud import problems


@pytest.mark.parametrize("status", [402, 403])
def test_a_refusal_says_nothing_of_why_whatever_its_status(status) -> None:
    told = problems.refusal(status)

    assert isinstance(told, Rejected)
    assert (told.status, told.code, str(told)) == (status, "payment_refused", "This payment was not accepted")


def test_what_cannot_be_reviewed_may_come_again() -> None:
    assert (problems.unavailable().status, problems.unavailable().headers) == (503, {"retry-after": "60"})
