"""The chain: a route's filters, compiled once.  Down through them, across to the upstream, and back up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from time import perf_counter
from typing import Any, Literal, Protocol, TypeAlias

from gateway.dataplane.payment import PaymentReader
from gateway.dataplane.problem import render
from gateway.dataplane.recorder import Recorder
from gateway.dataplane.shadow import Shadow, decision
from gateway.errors import (
    AnswerTooLarge,
    BodyTooLarge,
    ClientGone,
    DependencyDown,
    GatewayError,
    GatewayStopped,
    InternalError,
    TotalTimeout,
)
from gateway.exchange import Exchange, Reads, Step
from gateway.facts import Payment
from gateway.messages import Response
from gateway.parts import Filter, OptionalConfig

logger = logging.getLogger(__name__)

STOPPING = "the gateway stops"
"""With this a task is cancelled whose exchange outlasts the drain deadline."""

Mode = Literal["enforce", "shadow"]
_OnRequest: TypeAlias = Callable[[Exchange], Awaitable[Response | None]]


class Dispatcher(Protocol):
    async def dispatch(self, exchange: Exchange) -> Response: ...


_SKIPPED = Response(0)
"""What a filter that fails open answers where its dependency is down."""


class _Stage:
    """One filter of a chain, with what is known of it when the policy is compiled."""

    __slots__ = (
        "answers",
        "asks",
        "index",
        "mode",
        "name",
        "on_request",
        "on_response",
        "reads_request",
        "reads_response",
    )

    def __init__(self, step: Filter[Any] | Shadow | PaymentReader, mode: str) -> None:
        self.name = step.name
        self.mode = mode
        self.index = -1
        self.reads_request = Reads.REQUEST in step.reads
        self.reads_response = Reads.RESPONSE in step.reads
        self.on_request: _OnRequest = step.on_request
        self.on_response: Callable[[Exchange], Awaitable[None]] | None = getattr(step, "on_response", None)
        self.asks = _overrides(step, "on_request")
        self.answers = self.on_response is not None and _overrides(step, "on_response")
        config = getattr(step, "config", None)
        if isinstance(config, OptionalConfig) and config.failure_mode == "open":
            self.on_request = _open_on_failure(step.on_request)


def _open_on_failure(on_request: _OnRequest) -> _OnRequest:
    async def guarded(exchange: Exchange) -> Response | None:
        try:
            return await on_request(exchange)
        except DependencyDown:
            return _SKIPPED

    return guarded


_Stages: TypeAlias = tuple[tuple[int, _Stage], ...]
"""With the number of each among all steps of the chain."""


class Chain:
    """Runs an exchange to its response.

    Afterwards ``exchange.response`` is what goes to the client and ``exchange.error`` says if a failure made it.  A
    filter that passed the exchange on sees it come back exactly once; one that answered, refused or was skipped does
    not.  A cancellation goes on after the filters above have seen it.

    With a ``recorder``, what became of a payment is written once the filters below the one that reserves it have seen
    the answer: a repeat is answered from there.
    """

    __slots__ = (
        "_above",
        "_below",
        "_buffer",
        "_depth",
        "_dispatcher",
        "_down",
        "_recorder",
        "_rests",
        "_seen",
        "_upstream",
    )

    def __init__(
        self,
        filters: Sequence[tuple[Filter[Any], Mode]],
        upstream: Dispatcher,
        *,
        payment: PaymentReader | None = None,
        buffer: int = 1 << 20,
        shadow_timeout: float = 0.05,
        recorder: Recorder | None = None,
    ) -> None:
        steps: list[tuple[Filter[Any] | Shadow | PaymentReader, str]] = [
            (Shadow(step, shadow_timeout, buffer) if mode == "shadow" else step, mode) for step, mode in filters
        ]
        if payment is not None:
            asking = [number for number, (step, _) in enumerate(filters) if step.reserves or Payment in step.requires]
            steps.insert(min(asking, default=len(steps)), (payment, "enforce"))
        stages = tuple(_Stage(step, mode) for step, mode in steps)
        self._down = tuple((number, stage) for number, stage in enumerate(stages) if stage.asks)
        up = tuple((number, stage) for number, stage in enumerate(stages) if stage.answers)[::-1]
        reserving = next((number for number, (step, _) in enumerate(steps) if getattr(step, "reserves", False)), None)
        last = len(stages) if reserving is None else reserving
        self._below = tuple(each for each in up if each[0] > last)
        self._above = tuple(each for each in up if each[0] <= last)
        for index, (_, stage) in enumerate(self._down):
            stage.index = index
        self._depth = len(stages)
        self._dispatcher = upstream
        self._upstream = upstream if recorder is None else recorder
        self._recorder = recorder
        self._buffer = buffer
        self._rests: dict[int, Chain] = {}
        self._seen = 0
        """How many steps on the way down an exchange has behind it that begins here."""

    async def __call__(self, exchange: Exchange) -> None:
        reached = 0
        exchange.recorder = self._recorder
        exchange.descent = self._descend
        cancelled: BaseException | None = None
        step: Step | None = None
        began = perf_counter()
        try:
            for number, stage in self._down:
                reached = number
                exchange.current = stage.name
                step = Step(stage.name, stage.mode, "passed", 0.0)
                exchange.steps.append(step)
                if stage.reads_request and (exchange.received.body.data is None or exchange.request.body.data is None):
                    await self._buffer_request(exchange)
                    began = perf_counter()  # that the body took its time is not the filter's doing
                response = await stage.on_request(exchange)
                now = perf_counter()
                step.seconds, began = now - began, now
                if response is not None:
                    if response is _SKIPPED:
                        step.decision, step.code = "skipped", DependencyDown.code
                        continue
                    step.decision = "answered"
                    break
            else:
                reached, step = self._depth, None
                response = await self._upstream.dispatch(exchange)
            exchange.response = response
        except BaseException as error:  # noqa: BLE001 - a cancellation too: the filters above must see it
            if step is not None:
                step.seconds = perf_counter() - began
                step.decision, step.code = decision(error)
            cancelled = _fail(exchange, error)

        if self._below:
            cancelled = await self._rise(exchange, self._below, reached) or cancelled
        if self._recorder is not None:
            try:
                await self._recorder.conclude(exchange)
            except BaseException as error:  # noqa: BLE001
                cancelled = _fail(exchange, error) or cancelled
        if self._above:
            cancelled = await self._rise(exchange, self._above, reached) or cancelled
        if cancelled is not None:
            last = [cancelled]
            del cancelled
            raise last.pop()  # it holds this frame, which must not hold it

    async def _descend(self, branch: Exchange) -> None:
        """From below the last step that the branch has seen; what it asks for is no payment, and is not recorded."""
        seen = len(branch.steps)
        if (rest := self._rests.get(seen)) is None:
            rest = self._rests[seen] = self._below_step(seen)
        await rest(branch)

    def _below_step(self, seen: int) -> Chain:
        """The same without its first ``seen`` steps on the way down, and without those on the way up above them."""
        rest = copy(self)
        left = seen - self._seen
        rest._keep_below(self._down[left - 1][0], self._down[left:], seen)  # noqa: SLF001 - of its own kind
        return rest

    def starting_at(self, name: str) -> tuple[Chain, list[Step]] | None:
        """The same from its filter of this name on; None where it has none.  What is asked for is not recorded.

        Beside it, what is to stand in ``steps`` of the filters above, which do not see the request.
        """
        seen = next((count for count, (_, stage) in enumerate(self._down) if stage.name == name), None)
        if seen is None:
            return None
        above = [Step(stage.name, stage.mode, "passed", 0.0) for _, stage in self._down[:seen]]
        rest = copy(self)
        rest._keep_below(self._down[seen][0] - 1, self._down[seen:], seen)  # noqa: SLF001 - of its own kind
        return rest, above

    def _keep_below(self, origin: int, down: _Stages, seen: int) -> None:
        self._down = down
        self._seen = seen
        self._below = tuple(each for each in self._below + self._above if each[0] > origin)
        self._above = ()
        self._recorder, self._upstream = None, self._dispatcher
        self._rests = {}

    async def _rise(
        self, exchange: Exchange, stages: Sequence[tuple[int, _Stage]], reached: int
    ) -> BaseException | None:
        """What passed the exchange on sees it come back; a cancellation meanwhile is returned, to go on later."""
        cancelled: BaseException | None = None
        for number, stage in stages:
            if number < reached:
                try:
                    await self._answer(stage, exchange)
                except BaseException as error:  # noqa: BLE001
                    cancelled = _fail(exchange, error) or cancelled
        return cancelled

    async def _answer(self, stage: _Stage, exchange: Exchange) -> None:
        if stage.asks:
            step = exchange.steps[stage.index]
            if step.decision == "skipped":
                return
        else:
            step = Step(stage.name, stage.mode, "passed", 0.0)
            exchange.steps.append(step)
        exchange.current = stage.name
        began = perf_counter()
        try:
            if stage.reads_response and exchange.answer.body.data is None:
                await self._buffer_answer(exchange)
                began = perf_counter()
            assert stage.on_response is not None
            await stage.on_response(exchange)
        except BaseException as error:
            step.decision, step.code = decision(error)
            answered = exchange.error is None and exchange.attempts and exchange.attempts[-1].status is not None
            if answered and isinstance(error, DependencyDown):
                exchange.note("dependency_down_after_answer", error=error.code)
                return
            raise
        finally:
            step.seconds += perf_counter() - began

    async def _buffer_request(self, exchange: Exchange) -> None:
        """Make whole what was received, and what a filter may have put in its place."""
        await exchange.received.body.buffer(self._buffer)
        await exchange.request.body.buffer(self._buffer)

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
        exchange.fail(error)
    elif isinstance(error, Exception):
        logger.error("%s failed", exchange.current or "The core", exc_info=error, extra={"request_id": exchange.id})
        exchange.error = InternalError()
    elif error.args == (STOPPING,):
        exchange.error = GatewayStopped("The gateway stopped before there was an answer")
    else:
        exchange.error = ClientGone("The client went away")
    assert exchange.error is not None
    exchange.response = render(exchange.error, exchange.id)
    return None if isinstance(error, Exception) else error.with_traceback(None)


def _overrides(step: object, method: str) -> bool:
    return getattr(type(step), method, None) is not getattr(Filter, method)
