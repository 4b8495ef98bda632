"""Stripe, as far as this service needs it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field
from stripe import PaymentIntent, StripeClient

STATUS = {"succeeded": "paid", "canceled": "canceled", "requires_payment_method": "declined"}
"""Stripe's words for a payment that is over, in ours; all others are ``processing``."""


class Card(BaseModel):
    number: str
    exp_month: int
    exp_year: int
    cvc: str


class Order(BaseModel):
    """What a client asks for; ``amount`` is in minor units."""

    amount: int = Field(gt=0)
    currency: str = Field(min_length=3, max_length=3)
    card: Card
    customer: str | None = None
    receipt_email: str | None = None
    description: str | None = None


def status_of(intent: Any) -> str:
    return STATUS.get(intent["status"], "processing")


class Processor:
    """Takes payments at Stripe, under the caller's idempotency key."""

    def __init__(self, client: StripeClient) -> None:
        self._intents = client.v1.payment_intents

    async def charge(self, order: Order, key: str) -> PaymentIntent:
        params: Any = {
            "amount": order.amount,
            "currency": order.currency.lower(),
            "confirm": True,
            "payment_method_types": ["card"],
            "payment_method_data": {"type": "card", "card": order.card.model_dump()},
            "metadata": {"key": key, "customer": order.customer or ""},
        }
        params |= order.model_dump(include={"description", "receipt_email"}, exclude_none=True)
        return await self._intents.create_async(params, {"idempotency_key": key})

    async def find(self, key: str, begun: int) -> PaymentIntent | None:
        """The payment that was made under ``key``, where its answer never reached us."""
        # a minute more than ours: the two clocks need not agree
        found = await self._intents.list_async({"created": {"gte": begun - 60}, "limit": 100})
        async for intent in found.auto_paging_iter():
            if intent.metadata["key"] == key:
                return intent
        return None
