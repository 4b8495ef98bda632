"""What a client is told of a payment that is refused: nothing of why, or whoever tries cards would learn from it."""

from __future__ import annotations

from typing import Literal

from gateway import Rejected


class PaymentRefused(Rejected):
    status = 402
    code = "payment_refused"


class PaymentForbidden(PaymentRefused):
    status = 403


class ReviewUnavailable(Rejected):
    """It was to wait for a reviewer and cannot: too many do, or it may not be stored."""

    status = 503
    code = "review_unavailable"


def refusal(status: Literal[402, 403]) -> PaymentRefused:
    kind = PaymentRefused if status == 402 else PaymentForbidden
    return kind("This payment was not accepted")


def unavailable() -> ReviewUnavailable:
    return ReviewUnavailable("This payment cannot be taken now", headers={"retry-after": "60"})
