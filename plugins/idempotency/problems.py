"""What a client is told of its key.

The IETF's draft (draft-ietf-httpapi-idempotency-key-header-07 §2.6) has 400 for a key that is missing, 422 for one
that was used for another request, 409 while the first request is under way.  Stripe
(https://docs.stripe.com/api/idempotent_requests, https://docs.stripe.com/api/errors) has 400 ``idempotency_error`` and
409 ``idempotency_key_in_use`` for the latter two.
"""

from __future__ import annotations

from gateway import Record, Rejected

STATUS = "/.payguard/payments/"
"""Under it a payment's owner is told what became of it."""

RETRY_AFTER = "1"


class KeyMissing(Rejected):
    status = 400
    code = "idempotency_key_missing"


class InvalidKey(Rejected):
    status = 400
    code = "invalid_idempotency_key"


class KeyReused(Rejected):
    """The key belongs to another request."""

    status = 422
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This key was used for another request: repeat that one as it was, or take a new key")


class StripeKeyReused(KeyReused):
    status = 400
    code = "idempotency_error"


class Repeated(Rejected):
    """A repeat that cannot be given the first answer.  It names the payment, and says where to ask for it."""

    status = 409
    code = "repeated"

    def __init__(self, detail: str, record: Record, *, headers: dict[str, str] | None = None) -> None:
        where = {"location": f"{STATUS}{record.id}"}
        super().__init__(detail, headers=where | (headers or {}), payment_id=record.id, state=record.state)


class InProgress(Repeated):
    """The first request is under way."""

    code = "in_progress"

    def __init__(self, record: Record) -> None:
        super().__init__(
            "The first request with this key is under way: repeat it with the same key in a moment",
            record,
            headers={"retry-after": RETRY_AFTER},
        )


class StripeKeyInUse(InProgress):
    code = "idempotency_key_in_use"


class PaymentInDoubt(Repeated):
    """It may have been executed, and is not sent again."""

    code = "payment_in_doubt"

    def __init__(self, record: Record) -> None:
        super().__init__(
            "It is not certain yet what became of this payment. It is not sent again. Keep this key and do not use a "
            "new one: ask again with the same key, or at the Location",
            record,
        )


class AnswerUnavailable(Repeated):
    """It is known what became of it; the first answer is not here to be given again."""

    code = "answer_unavailable"

    def __init__(self, record: Record) -> None:
        super().__init__(
            "This payment is not executed again. Its first answer is not kept: what became of it is at the Location",
            record,
        )


class FingerprintUnavailable(Repeated):
    """Whether it is the same request cannot be told."""

    code = "fingerprint_unavailable"

    def __init__(self, record: Record) -> None:
        super().__init__(
            "Whether this is the request that the key was first used for cannot be told now. It is not executed again: "
            "keep this key; what became of the first is at the Location",
            record,
        )


class PossibleDuplicate(Repeated):
    """The same request came without a key a short time ago."""

    code = "possible_duplicate"

    def __init__(self, record: Record, header: str) -> None:
        super().__init__(
            f"The same request came a short time ago, and neither had a key. What became of that one is at the "
            f"Location. If both are meant, send this one with {header}",
            record,
        )
