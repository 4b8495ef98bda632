"""A breaker as an upstream has it, with its clock in the test's hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway import Attempt, Delivery, Exchange
from gateway.testing import HandScope, exchange
from plugins.circuit_breaker.board import CircuitBreakers
from plugins.circuit_breaker.decision import CircuitOpen
from plugins.circuit_breaker.guard import CircuitBreaker
from plugins.circuit_breaker.options import CircuitBreakerConfig

MakeBreaker = Callable[..., Awaitable[CircuitBreaker]]


@pytest.fixture
async def breaker() -> AsyncIterator[MakeBreaker]:
    """Makes breakers with options, in a scope of their own or a given one, and closes them."""
    async with AsyncExitStack() as stack:

        async def make(lent: HandScope | None = None, **options: Any) -> CircuitBreaker:
            lent = lent or HandScope(place="backend")
            lent.components = lent.components or [CircuitBreakers(CircuitBreakers.Config(), lent)]
            config = CircuitBreakerConfig.model_validate({"minimum_calls": 2, **options})
            made = CircuitBreaker(config, lent)
            stack.push_async_callback(made.close)
            await made.open()
            return made

        yield make


def asking(operation: str | None = "payment.create", **options: Any) -> Exchange:
    made = exchange(**options)
    made.operation = operation
    return made


def attempted(status: int | None = None, error: str | None = None, took: float = 0.0) -> Attempt:
    return Attempt(
        1, 1.0, 2.0, Delivery.ANSWERED, status=status, error=error, sent=1.0, answered=1.0 + took if status else 0.0
    )


def call(breaker: CircuitBreaker, status: int = 500, times: int = 1, operation: str | None = "payment.create") -> None:
    for _ in range(times):
        made = asking(operation)
        breaker.settle(made, attempted(status), breaker.admit(made))


def refused(breaker: CircuitBreaker, operation: str | None = "payment.create") -> bool:
    """Whether it refuses; what it admits is given back."""
    made = asking(operation)
    try:
        breaker.settle(made, None, breaker.admit(made))
    except CircuitOpen:
        return True
    return False
