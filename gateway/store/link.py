"""A link to a Redis: the calls of one turn of the loop go out together, and one that is away is left alone."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from asyncio import Future
from collections import deque
from collections.abc import Sequence
from random import uniform
from typing import Any, TypeAlias

import structlog

from gateway.store.protocol import StoreDown

log = structlog.get_logger("payguard.store")

Command: TypeAlias = tuple[str | bytes | int, ...]

CONNECT_WITHIN = 1.0

PATIENCE = 1.0
"""Seconds that a late answer is waited for, before the connection is given up."""

GRACE = 0.001
"""Seconds by which a timeout is judged later: after this gateway's own loop was late, what came meanwhile is read."""

PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds in which it is left alone: after the first failure, and at most; each doubles the one before."""

CALM = 5.0
"""Seconds without a failure, after which the pauses begin anew."""

MOST_WAITING = 10_000

AWAY = "The store is not available."
"""All that a client is told; the reason is the error's cause, and in the log."""


def down(reason: str) -> StoreDown:
    error = StoreDown(AWAY)
    error.__cause__ = RuntimeError(reason)
    return error


class Batch:
    """Calls that went out together, and how many of them have been answered."""

    __slots__ = ("answered", "began", "calls")

    def __init__(self, calls: list[tuple[Command, Future[Any]]], began: float) -> None:
        self.calls = calls
        self.began = began
        self.answered = 0


class Link(ABC):
    """Takes commands, and answers each by a future, or by StoreDown within ``timeout`` seconds.

    What is called in one turn of the loop goes out together, at its end.  After an answer that is late, after a
    connection that breaks, and while there is none, calls fail at once, and nobody but the link itself asks the
    server: one attempt at a time, with growing pauses.
    """

    def __init__(self, timeout: float) -> None:
        self.trouble: str | None = "it has not been opened"
        self.calls = self.pipelines = self.errors = self.connects = 0
        self.seconds = 0.0
        self._timeout = timeout
        self._turn: list[tuple[Command, Future[Any]]] = []
        self._sent: deque[Batch] = deque()
        self._wake: Future[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._first: Future[None] | None = None
        self._pause = PAUSE
        self._troubled_at = 0.0
        self._late = False

    @abstractmethod
    async def connect(self) -> None:
        """Reach the server, or raise."""

    @abstractmethod
    async def serve(self) -> None:
        """Carry batches out, until something breaks, which is raised."""

    @abstractmethod
    async def disconnect(self) -> None: ...

    async def nodes(self) -> Sequence[Any]:
        """What has keys of its own: None is the one server."""
        return (None,)

    async def ask(self, node: Any, command: Command) -> Any:  # noqa: ARG002 - there is one
        """One command, of that node."""
        return await self.call(command)

    async def open(self) -> None:
        """Return once it was reached, or could not be at the first attempt."""
        loop = asyncio.get_running_loop()
        self._first = loop.create_future()
        self._keeping = loop.create_task(self._keep(), name="redis link")
        await asyncio.wait([self._first], timeout=CONNECT_WITHIN * 2)

    async def close(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        self.trouble = "it was closed"
        self._fail_callers(self.trouble)

    def call(self, command: Command) -> Future[Any]:
        """On its way when this returns.  Raises StoreDown where it need not be tried."""
        self.calls += 1
        if self.trouble is not None:
            self.errors += 1
            raise down(self.trouble)
        if len(self._turn) >= MOST_WAITING:
            self.errors += 1
            raise down("too many calls wait")
        future: Future[Any] = asyncio.get_running_loop().create_future()
        self._turn.append((command, future))
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
        return future

    async def next_batch(self) -> Batch:
        """For ``serve``: what was called meanwhile."""
        loop = asyncio.get_running_loop()
        while not self._turn:
            self._wake = loop.create_future()
            await self._wake
        calls, self._turn = self._turn, []
        batch = Batch(calls, loop.time())
        self._sent.append(batch)
        self.pipelines += 1
        loop.call_later(self._timeout, self._suspect, batch)
        return batch

    def answer(self, reply: Any) -> None:
        """For ``serve``: the answer to the oldest call that has none; an exception where it is an error."""
        batch = self._sent[0]
        future = batch.calls[batch.answered][1]
        batch.answered += 1
        if not future.done():
            if isinstance(reply, Exception):
                self.errors += 1
                future.set_exception(reply)
            else:
                future.set_result(reply)
        if batch.answered == len(batch.calls):
            self._sent.popleft()
            self.seconds += asyncio.get_running_loop().time() - batch.began
            if self._late and not self._sent:
                self._late = False
                asyncio.get_running_loop().call_later(self._next_pause(), self._well)

    def _suspect(self, batch: Batch) -> None:
        if batch.answered < len(batch.calls):
            asyncio.get_running_loop().call_later(GRACE, self._judge, batch)

    def _judge(self, batch: Batch) -> None:
        """What is late ends nobody's patience but that of its callers: its answer, if it comes, says it is well."""
        if batch.answered == len(batch.calls) or batch not in self._sent:
            return
        self._troubled(f"no answer within {self._timeout * 1000:g} ms")
        self._fail_callers(self.trouble or "")
        if not self._late:
            self._late = True
            asyncio.get_running_loop().call_later(PATIENCE, self._give_up, batch)

    def _give_up(self, batch: Batch) -> None:
        if batch in self._sent and self._keeping is not None:
            self._keeping.cancel(_GIVEN_UP)

    async def _keep(self) -> None:
        """The one task that connects, again and again, while the link is open."""
        while True:
            try:
                async with asyncio.timeout(CONNECT_WITHIN):
                    await self.connect()
                self.connects += 1
                self._well()
                await self.serve()
            except asyncio.CancelledError as error:
                if error.args != (_GIVEN_UP,):
                    await self.disconnect()
                    raise
                asyncio.current_task().uncancel()  # type: ignore[union-attr]  # this is one
                self._fail(f"no answer within {PATIENCE:g} s")
            except Exception as error:  # noqa: BLE001 - whatever the driver raises, it is tried again
                self._fail(str(error) or type(error).__name__)
            self._begun()
            await self.disconnect()
            await asyncio.sleep(self._next_pause())

    def _well(self) -> None:
        if self._late:
            return
        if self.trouble is not None and self.connects and self._troubled_at:
            log.info("the store answers again")
        self.trouble = None
        self._begun()

    def _begun(self) -> None:
        if self._first is not None and not self._first.done():
            self._first.set_result(None)

    def _troubled(self, reason: str) -> None:
        """Said where it is news."""
        if self.trouble is None or not self._troubled_at:
            log.warning("the store does not answer: what can be decided locally is", reason=reason)
        self.trouble = reason
        self._troubled_at = asyncio.get_running_loop().time()

    def _fail(self, reason: str) -> None:
        """Everything that was not answered; nothing of it will be."""
        self._troubled(reason)
        self._fail_callers(reason)
        self._late = False
        self._sent.clear()

    def _fail_callers(self, reason: str) -> None:
        waiting: Sequence[tuple[Command, Future[Any]]] = [call for batch in self._sent for call in batch.calls]
        for _, future in (*waiting, *self._turn):
            if not future.done():
                self.errors += 1
                future.set_exception(down(reason))
        self._turn = []

    def _next_pause(self) -> float:
        """Longer each time, unless it was calm for long enough in between."""
        now = asyncio.get_running_loop().time()
        if now - self._troubled_at > CALM:
            self._pause = PAUSE
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        return pause * uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


_GIVEN_UP = "the connection is given up"
