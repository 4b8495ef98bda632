"""The chain: a route's filters, compiled once.  Down through them, across to the upstream, and back up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Any, Literal, Protocol

from gateway.dataplane.payment import PaymentReader
from gateway.dataplane.problem import render
from gateway.dataplane.shadow import Shadow
from gateway.errors import (
    AnswerTooLarge,
    BodyTooLarge,
    ClientGone,
    DependencyDown,
    GatewayError,
    InternalError,
    TotalTimeout,
)
from gateway.exchange import Exchange, Reads, Response, Step
from gateway.facts import Payment
from gateway.parts import Filter, OptionalConfig

logger = logging.getLogger(__name__)

Mode = Literal["enforce", "shadow"]


class Dispatcher(Protocol):
    async def dispatch(self, exchange: Exchange) -> Response: ...


class _Stage:
    """One filter of a chain, with what is known of it when the policy is compiled."""

    __slots__ = ("answers", "asks", "mode", "name", "on_request", "on_response", "open", "reads")

    def __init__(self, step: Filter[Any] | Shadow | PaymentReader, mode: str) -> None:
        self.name = step.name
        self.mode = mode
        self.reads = step.reads
        self.on_request = step.on_request
        self.on_response: Callable[[Exchange], Awaitable[None]] | None = getattr(step, "on_response", None)
        self.asks = _overrides(step, "on_request")
        self.answers = self.on_response is not None and _overrides(step, "on_response")
        config = getattr(step, "config", None)
        self.open = isinstance(config, OptionalConfig) and config.failure_mode == "open"


class Chain:
    """Runs an exchange to its response.

    Afterwards ``exchange.response`` is what goes to the client and ``exchange.error`` says if a failure made it.  A
    filter that passed the exchange on sees it come back exactly once; one that answered, refused or was skipped does
    not.  A cancellation goes on after the filters above have seen it.
    """

    __slots__ = ("_buffer", "_down", "_stages", "_up", "_upstream", "_whole")

    def __init__(
        self,
        filters: Sequence[tuple[Filter[Any], Mode]],
        upstream: Dispatcher,
        *,
        payment: PaymentReader | None = None,
        buffer: int = 1 << 20,
        shadow_timeout: float = 0.05,
    ) -> None:
        steps: list[tuple[Filter[Any] | Shadow | PaymentReader, str]] = [
            (Shadow(step, shadow_timeout, buffer) if mode == "shadow" else step, mode) for step, mode in filters
        ]
        if payment is not None:
            asking = [number for number, (step, _) in enumerate(filters) if Payment in step.requires]
            steps.insert(min(asking, default=len(steps)), (payment, "enforce"))
        self._stages = tuple(_Stage(step, mode) for step, mode in steps)
        self._down = tuple((number, stage) for number, stage in enumerate(self._stages) if stage.asks)
        self._up = tuple((number, stage) for number, stage in enumerate(self._stages) if stage.answers)[::-1]
        self._upstream = upstream
        self._buffer = buffer
        self._whole = payment is not None

    async def __call__(self, exchange: Exchange) -> None:
        steps: list[Step | None] = [None] * len(self._stages)
        reached = 0
        cancelled: BaseException | None = None
        try:
            for reached, stage in self._down:
                steps[reached] = step = Step(stage.name, stage.mode, "passed", 0.0)
                response = await self._ask(stage, step, exchange)
                if response is not None:
                    break
            else:
                reached = len(steps)
                response = await self._dispatch(exchange)
            exchange.response = response
        except BaseException as error:  # noqa: BLE001 - a cancellation too: the filters above must see it
            cancelled = _fail(exchange, error)

        for number, stage in self._up:
            before = steps[number]
            if number < reached and (before is None or before.decision != "skipped"):
                try:
                    await self._answer(stage, before, exchange)
                except BaseException as error:  # noqa: BLE001
                    cancelled = _fail(exchange, error) or cancelled

        if cancelled is not None:
            raise cancelled

    async def _ask(self, stage: _Stage, step: Step, exchange: Exchange) -> Response | None:
        exchange.current = stage.name
        exchange.steps.append(step)
        began = perf_counter()
        try:
            if Reads.REQUEST in stage.reads and exchange.request.body.data is None:
                await exchange.request.body.buffer(self._buffer)
            response = await stage.on_request(exchange)
        except BaseException as error:
            step.decision, step.code = _decision(error)
            if stage.open and isinstance(error, DependencyDown):
                step.decision = "skipped"
                return None
            raise
        finally:
            step.seconds = perf_counter() - began
        if response is not None:
            step.decision = "answered"
        return response

    async def _dispatch(self, exchange: Exchange) -> Response:
        """The upstream's answer: of a payment, all of it, so that its outcome is known before a byte of it leaves."""
        response = await self._upstream.dispatch(exchange)
        if self._whole and response.body.data is None:
            try:
                await response.body.buffer(self._buffer)
            except BodyTooLarge:
                exchange.note("answer_not_kept", limit=self._buffer)
        return response

    async def _answer(self, stage: _Stage, step: Step | None, exchange: Exchange) -> None:
        exchange.current = stage.name
        if step is None:
            step = Step(stage.name, stage.mode, "passed", 0.0)
            exchange.steps.append(step)
        began = perf_counter()
        try:
            if Reads.RESPONSE in stage.reads and exchange.answer.body.data is None:
                await self._buffer_answer(exchange)
            assert stage.on_response is not None
            await stage.on_response(exchange)
        except BaseException as error:
            step.decision, step.code = _decision(error)
            answered = exchange.error is None and exchange.attempts and exchange.attempts[-1].status is not None
            if answered and isinstance(error, DependencyDown):
                exchange.note("dependency_down_after_answer", code=error.code)
                return
            raise
        finally:
            step.seconds += perf_counter() - began

    async def _buffer_answer(self, exchange: Exchange) -> None:
        try:
            async with asyncio.timeout_at(exchange.deadline or None):
                await exchange.answer.body.buffer(self._buffer)
        except BodyTooLarge:
            raise AnswerTooLarge(f"The upstream's answer has more than {self._buffer} bytes") from None
        except TimeoutError:
            raise TotalTimeout("The upstream did not end its answer in time") from None


def _fail(exchange: Exchange, error: BaseException) -> BaseException | None:
    """Turn any failure into the response that the filters above will see; what must go on is returned."""
    exchange.abandon()
    if isinstance(error, GatewayError):
        exchange.error = error
    elif isinstance(error, Exception):
        logger.error("%s failed", exchange.current or "The core", exc_info=error, extra={"request_id": exchange.id})
        exchange.error = InternalError()
    else:
        exchange.error = ClientGone("The client went away")
    exchange.response = render(exchange.error, exchange.id)
    return None if isinstance(error, Exception) else error


def _decision(error: BaseException) -> tuple[str, str]:
    if isinstance(error, DependencyDown):
        return "failed", error.code
    if isinstance(error, GatewayError):
        return "refused", error.code
    if isinstance(error, Exception):
        return "failed", type(error).__name__
    return "cancelled", ClientGone.code


def _overrides(step: object, method: str) -> bool:
    return getattr(type(step), method, None) is not getattr(Filter, method)
