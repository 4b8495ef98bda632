"""Shadow: a part run beside the exchange, so that what it would do is seen and nothing of it happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

from gateway.errors import BodyTooLarge, ClientGone, DependencyDown, GatewayError
from gateway.exchange import Attempt, Exchange, Reads, Step
from gateway.messages import Response
from gateway.parts import Config, Filter, Guard

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Run:
    copy: Exchange
    step: Step
    answer: asyncio.Future[Response]
    task: asyncio.Task[None] | None = None


class Shadow:
    """Stands in a chain in the place of a filter whose mode is shadow.

    The filter runs in a task of its own, on a copy of the exchange, each phase within ``timeout`` seconds: it delays
    nobody.  Its decision joins the steps of the live exchange as ``would_…``; its notes join too; nothing else does.
    A body larger than ``buffer`` is not copied, and the filter then not run.
    """

    reads = Reads.NOTHING  # it buffers itself: a body too large to be shadowed is not refused

    def __init__(self, step: Filter[Any], timeout: float, buffer: int) -> None:
        self.name = step.name
        self._filter = step
        self._timeout = timeout
        self._buffer = buffer

    async def on_request(self, exchange: Exchange) -> None:
        step = Step(self.name, "shadow", "would_pass", 0.0)
        exchange.steps[-1] = step  # in the place of the chain's own
        if Reads.REQUEST in self._filter.reads:
            try:
                await exchange.request.body.buffer(self._buffer)
            except BodyTooLarge as error:
                step.decision, step.code = "would_skip", error.code
                return
        run = _Run(exchange.copy(), step, asyncio.get_running_loop().create_future())
        run.task = asyncio.create_task(self._follow(run))
        exchange.shadows[self] = run
        exchange.at_end(partial(self._finish, exchange, run))

    async def on_response(self, exchange: Exchange) -> None:
        run: _Run | None = exchange.shadows.get(self)
        if run is None or run.answer.done():
            return
        if Reads.RESPONSE in self._filter.reads:
            try:
                await exchange.answer.body.buffer(self._buffer)
            except BodyTooLarge:
                run.answer.cancel()
                return
        run.copy.error = exchange.error
        run.copy.delivery = exchange.delivery
        run.copy.outcome = exchange.outcome
        run.copy.attempts = list(exchange.attempts)
        run.answer.set_result(exchange.answer.copy())

    async def _follow(self, run: _Run) -> None:
        """Both phases of the filter, on the copy."""
        began = perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._filter.on_request(run.copy)
            run.step.seconds = perf_counter() - began
            if response is not None:
                run.step.decision = "would_answer"
                return
            run.copy.response = await run.answer
            began = perf_counter()
            async with asyncio.timeout(self._timeout):
                await self._filter.on_response(run.copy)
            run.step.seconds += perf_counter() - began
        except GatewayError as error:
            decided, run.step.code = decision(error)
            run.step.decision = "would_fail" if decided == "failed" else "would_refuse"
        except TimeoutError:
            run.step.decision, run.step.code = "would_fail", "shadow_timeout"
        except Exception as error:
            logger.exception("%s failed in shadow", self.name)
            run.step.decision, run.step.code = "would_fail", type(error).__name__

    async def _finish(self, exchange: Exchange, run: _Run) -> None:
        """Before the observers are told: its decision is known by now, or given up."""
        if not run.answer.done():
            run.answer.cancel()
        if run.task is not None:
            await asyncio.wait([run.task])
        exchange.notes += run.copy.notes


class Undecided(Guard[Config]):
    """Stands among an attempt's guards in the place of one in shadow that takes its time.

    The guard decides in a task of its own, while the attempt is under way, and has until its end.  What it admits is
    settled with the attempt, so that what it counts is true.  Its refusal is remembered as ``would_refuse``, and as
    ``would_wait`` that the attempt had ended before it decided.
    """

    def __init__(self, guard: Guard[Any], deciding: Awaitable[Any]) -> None:
        self.name = guard.name  # type: ignore[misc]  # of the one in whose place it stands
        self._guard = guard
        self._began = perf_counter()
        self._task = asyncio.ensure_future(deciding)

    def settle(self, exchange: Exchange, attempt: Attempt | None, admitted: Any) -> None:  # noqa: ARG002 - the guard's is in the task
        if not self._task.done():
            if attempt is not None:
                exchange.steps.append(Step(self.name, "shadow", "would_wait", perf_counter() - self._began))
            self._task.add_done_callback(partial(self._give_back, exchange, attempt))
            self._task.cancel()
        elif not self._give_back(exchange, attempt, self._task):
            error = asyncio.CancelledError() if self._task.cancelled() else self._task.exception()
            assert error is not None
            exchange.steps.append(would(self._guard, error))

    def _give_back(self, exchange: Exchange, attempt: Attempt | None, task: asyncio.Future[Any]) -> bool:
        """Settle what was admitted, be it in the instant in which nobody needed it any more; whether any was."""
        admitted = not task.cancelled() and task.exception() is None
        if admitted:
            self._guard.settle(exchange, attempt, task.result())
        return admitted


def would(guard: Guard[Any], error: BaseException) -> Step:
    """What a guard in shadow would have done; a failure of its own reaches nobody."""
    if isinstance(error, GatewayError):
        return Step(guard.name, "shadow", "would_refuse", 0.0, error.code)
    logger.error("The guard %s failed in shadow", guard.name, exc_info=error)
    return Step(guard.name, "shadow", "would_fail", 0.0, type(error).__name__)


def decision(error: BaseException) -> tuple[str, str]:
    """What a filter that raised ``error`` decided, and the error's code."""
    if isinstance(error, DependencyDown):
        return "failed", error.code
    if isinstance(error, GatewayError):
        return "refused", error.code
    if isinstance(error, Exception):
        return "failed", type(error).__name__
    return "cancelled", ClientGone.code
