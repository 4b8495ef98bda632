"""A limit as an upstream has it, with its clock in the test's hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway import Attempt, Delivery
from gateway.testing import HandScope
from plugins.concurrency.board import Limits
from plugins.concurrency.guard import Concurrency
from plugins.concurrency.options import ConcurrencyConfig

MakeLimit = Callable[..., Awaitable[Concurrency]]


@pytest.fixture
async def limit() -> AsyncIterator[MakeLimit]:
    """Makes limits with options, in a scope of their own or a given one, and closes them."""
    async with AsyncExitStack() as stack:

        async def make(lent: HandScope | None = None, **options: Any) -> Concurrency:
            lent = lent or HandScope(place="backend")
            lent.components = lent.components or [Limits(Limits.Config(), lent)]
            made = Concurrency(ConcurrencyConfig.model_validate({"least": 1, **options}), lent)
            stack.push_async_callback(made.close)
            await made.open()
            return made

        yield make


def attempted(took: float, status: int = 200, *, sent: float = 1000.0) -> Attempt:
    return Attempt(1, sent, sent + took, Delivery.ANSWERED, status=status, sent=sent, answered=sent + took)
