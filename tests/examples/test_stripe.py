"""The fake Stripe, as the real stripe-python sees it over sockets."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import pytest
import stripe

from examples.stripe import forms

# stripe-python hands httpx its forms in a way that httpx has named anew
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")


def intent(number: str = "4242424242424242", **changes: Any) -> Any:
    card = {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": "123"}
    return {
        "amount": 4200,
        "currency": "eur",
        "confirm": True,
        "payment_method_data": {"type": "card", "card": card},
    } | changes


def new_key() -> Any:
    return {"idempotency_key": str(uuid.uuid4())}


async def test_a_confirmed_intent_succeeds(client):
    created = await client.v1.payment_intents.create_async(intent())
    assert created.status == "succeeded"
    assert (await client.v1.payment_intents.retrieve_async(created.id)).amount == 4200


async def test_fields_that_localstripe_refuses_are_kept(client):
    created = await client.v1.payment_intents.create_async(
        intent(
            description="shoes",
            receipt_email="a@example.com",
            automatic_payment_methods={"enabled": True},
            metadata={"order": "7"},
        )
    )
    read = await client.v1.payment_intents.retrieve_async(created.id)
    assert (read.description, read.receipt_email, read.metadata["order"]) == ("shoes", "a@example.com", "7")


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000000069", "expired_card", "expired_card"),
    ],
)
async def test_a_card_is_declined_by_its_number(client, number, code, decline_code):
    with pytest.raises(stripe.CardError) as declined:
        await client.v1.payment_intents.create_async(intent(number))
    assert declined.value.http_status == 402
    assert declined.value.code == code
    refused = declined.value.json_body["error"]
    assert refused["decline_code"] == decline_code
    left = await client.v1.payment_intents.retrieve_async(refused["payment_intent"]["id"])
    assert left.status == "requires_payment_method"
    assert left.last_payment_error.decline_code == decline_code


async def test_a_card_that_was_stored_first_is_declined_too(client):
    method = await client.v1.payment_methods.create_async(intent("4000000000009995")["payment_method_data"])
    asked = intent(payment_method=method.id)
    del asked["payment_method_data"]
    with pytest.raises(stripe.CardError) as declined:
        await client.v1.payment_intents.create_async(asked)
    assert declined.value.json_body["error"]["decline_code"] == "insufficient_funds"


async def test_the_same_key_gives_the_same_answer_and_says_so(client):
    key = new_key()
    first = await client.v1.payment_intents.create_async(intent(), key)
    second = await client.v1.payment_intents.create_async(intent(), key)
    assert second.id == first.id
    assert "idempotent-replayed" not in first.last_response.headers
    assert second.last_response.headers["idempotent-replayed"] == "true"


async def test_a_decline_is_replayed_too(client):
    key = new_key()
    intents = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            await client.v1.payment_intents.create_async(intent("4000000000000002"), key)
        intents.append(declined.value.json_body["error"]["payment_intent"]["id"])
    assert intents[0] == intents[1]


async def test_a_key_cannot_be_used_for_other_parameters(client):
    key = new_key()
    await client.v1.payment_intents.create_async(intent(), key)
    with pytest.raises(stripe.IdempotencyError) as refused:
        await client.v1.payment_intents.create_async(intent(amount=1), key)
    assert refused.value.http_status == 400


async def test_a_request_that_was_refused_leaves_its_key_free(client):
    key = new_key()
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.payment_intents.create_async(intent(amount=-1), key)
    assert (await client.v1.payment_intents.create_async(intent(), key)).status == "succeeded"


async def test_a_key_in_flight_is_a_conflict(client, fault):
    key = new_key()
    fault(delay=0.3)
    answers = await asyncio.gather(
        *(client.v1.payment_intents.create_async(intent(), key) for _ in range(2)), return_exceptions=True
    )
    conflict = next(answer for answer in answers if isinstance(answer, stripe.StripeError))
    assert (conflict.http_status, conflict.json_body["error"]["code"]) == (409, "idempotency_key_in_use")
    assert sum(isinstance(answer, stripe.PaymentIntent) for answer in answers) == 1


async def test_a_committed_payment_whose_answer_is_lost_is_there_and_not_made_twice(client, fault):
    customer = (await client.v1.customers.create_async({})).id
    key = new_key()
    fault(commit=True, drop=True)
    with pytest.raises(stripe.APIConnectionError):
        await client.v1.payment_intents.create_async(intent(customer=customer), key)
    again = await client.v1.payment_intents.create_async(intent(customer=customer), key)
    assert again.last_response.headers["idempotent-replayed"] == "true"
    made = await client.v1.payment_intents.list_async({"customer": customer})
    assert [found.id for found in made] == [again.id]


async def test_a_500_after_the_payment_was_made_is_what_its_key_gives_from_then_on(client, fault):
    key = new_key()
    fault(commit=True, status=500)
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            await client.v1.payment_intents.create_async(intent(), key)
        assert failed.value.http_status == 500


async def test_a_429_executes_nothing(client, fault):
    customer = (await client.v1.customers.create_async({})).id
    fault(status=429)
    with pytest.raises(stripe.RateLimitError) as refused:
        await client.v1.payment_intents.create_async(intent(customer=customer), new_key())
    assert refused.value.headers["stripe-should-retry"] == "true"
    assert not (await client.v1.payment_intents.list_async({"customer": customer})).data


async def test_a_fault_is_gone_after_its_times(client, fault):
    fault(status=503, times=2)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await client.v1.payment_intents.create_async(intent())
    assert (await client.v1.payment_intents.create_async(intent())).status == "succeeded"


def test_a_misspelled_fault_is_refused(stripe_url):
    answer = httpx.post(f"{stripe_url}/_double/faults", json={"comit": True}, trust_env=False)
    assert answer.status_code == 422


async def test_intents_are_listed_newest_first_page_by_page(client):
    customer = (await client.v1.customers.create_async({})).id
    made = [(await client.v1.payment_intents.create_async(intent(customer=customer))).id for _ in range(3)]
    pages = await client.v1.payment_intents.list_async({"customer": customer, "limit": 2})
    assert [found.id async for found in pages.auto_paging_iter()] == made[::-1]


def test_without_a_secret_key_nothing_is_answered(stripe_url):
    assert httpx.get(f"{stripe_url}/v1/payment_intents", trust_env=False).status_code == 401


def test_a_field_that_holds_a_form_becomes_a_form():
    pairs = forms.parse(b"amount=1&method[type]=card&method[card][number]=42")
    inside, rest = forms.split(pairs, "method")
    assert rest == [("amount", "1")]
    assert forms.unwrap(inside, "method") == [("type", "card"), ("card[number]", "42")]
