"""The service's HTTP interface."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import stripe
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from examples.backend.book import Book, Payment
from examples.backend.processor import Order, Processor, status_of


def problem(status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **members: Any) -> Response:
    document = {"type": "about:blank", "status": status, "code": code, "detail": detail, **members}
    return JSONResponse(document, status, headers, media_type="application/problem+json")


def unprocessable(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ValidationError)
    errors = [
        {"pointer": "".join(f"/{part}" for part in found["loc"]), "detail": found["msg"]} for found in error.errors()
    ]
    return problem(422, "invalid_order", "The order is not one that we can take", errors=errors)


def stripe_failed(_request: Request, error: Exception) -> Response:
    """What Stripe's errors mean to our own clients: what happened, and whether it is certain."""
    assert isinstance(error, stripe.StripeError)
    match error:
        case stripe.RateLimitError():
            return problem(503, "not_processed", "Try again in a moment", headers={"Retry-After": "1"})
        case stripe.IdempotencyError():
            return problem(422, "idempotency_key_reused", "The key was used for another order")
        case stripe.InvalidRequestError():
            return problem(422, "refused_by_processor", error.user_message or "The processor does not take this order")
    if error.http_status == 409:
        return problem(409, "in_progress", "A request with this key is still running")
    return problem(502, "processor_unavailable", "Whether the payment was made is not known; ask again with its key")


class Payments:
    """Payments are begun in the book, made at Stripe, and settled in the book."""

    def __init__(self, processor: Processor, book: Book) -> None:
        self._processor = processor
        self._book = book
        self.invoices_read = 0

    async def create(self, request: Request) -> Response:
        order = Order.model_validate_json(await request.body())
        key = request.headers.get("idempotency-key") or str(uuid.uuid4())
        self._book.begin(
            key,
            order.amount,
            order.currency,
            customer=order.customer,
            card=order.card.number,
            description=order.description,
        )
        try:
            intent = await self._processor.charge(order, key)
        except stripe.CardError as error:
            return self._declined(key, error)
        status = status_of(intent)
        self._book.settle(key, intent.id, status)
        return JSONResponse(
            {"id": intent.id, "status": status, "amount": intent.amount, "currency": intent.currency},
            201 if status == "paid" else 202,
            {"Location": f"/v1/payments/{intent.id}"},
        )

    def _declined(self, key: str, error: stripe.CardError) -> Response:
        refused: Any = error.json_body["error"]  # type: ignore[index] # a card error always has one
        payment = refused.get("payment_intent", {}).get("id")
        self._book.settle(key, payment, "declined")
        return problem(
            402, refused["code"], refused["message"], decline_code=refused.get("decline_code"), payment=payment
        )

    async def read(self, request: Request) -> Response:
        return _found(self._book.by_id(request.path_params["id"]))

    async def look_up(self, request: Request) -> Response:
        """``?key=``: the payment that was begun under this idempotency key."""
        key = request.query_params.get("key", "")
        payment = self._book.by_key(key)
        if payment is not None and payment.status == "processing":
            intent = await self._processor.find(key, payment.begun)
            if intent is not None:
                self._book.settle(key, intent.id, status_of(intent))
            payment = self._book.by_key(key)
        return _found(payment)

    async def invoice(self, request: Request) -> Response:
        self.invoices_read += 1
        payment = self._book.by_id(request.path_params["id"])
        if payment is None or payment.status != "paid":
            return problem(404, "not_found", "There is no invoice of this payment")
        return _cacheable(request, _invoice(payment))

    async def healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok", "invoices_read": self.invoices_read})


def _found(payment: Payment | None) -> Response:
    if payment is None:
        return problem(404, "not_found", "There is no such payment")
    return JSONResponse(
        {"id": payment.id, "status": payment.status, "amount": payment.amount, "currency": payment.currency}
    )


def _invoice(payment: Payment) -> dict[str, Any]:
    return {
        "id": payment.id,
        "customer": payment.customer,
        "issued": payment.begun,
        "lines": [{"description": payment.description or "Payment", "amount": payment.amount}],
        "total": payment.amount,
        "currency": payment.currency,
    }


def _cacheable(request: Request, document: dict[str, Any]) -> Response:
    body = orjson.dumps(document)
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"Cache-Control": "max-age=60", "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def create_app(processor: Processor, book: Book) -> Starlette:
    payments = Payments(processor, book)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        book.close()

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/healthz", payments.healthz),
            Route("/v1/payments", payments.create, methods=["POST"]),
            Route("/v1/payments", payments.look_up),
            Route("/v1/payments/{id}", payments.read),
            Route("/v1/invoices/{id}", payments.invoice),
        ],
        exception_handlers={ValidationError: unprocessable, stripe.StripeError: stripe_failed},
    )
