"""Background work: bounded, its failures logged, its policy kept open until it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol

import structlog

log = structlog.get_logger("payguard.tasks")


class Holder(Protocol):
    """What may not end before the work that was begun under it, such as a snapshot."""

    def enter(self) -> None: ...

    def leave(self) -> None: ...


class _Nobody:
    def enter(self) -> None:
        """Nothing is held open."""

    def leave(self) -> None:
        """As above."""


NOBODY = _Nobody()
"""For work that belongs to the process."""


class Background:
    """At most ``most`` tasks at once, in the whole process."""

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, Any], *, name: str, holder: Holder) -> asyncio.Task[None] | None:
        if len(self._running) >= self._most:
            work.close()
            log.warning("background work was refused: too much runs already", task=name, most=self._most)
            return None
        holder.enter()
        task = asyncio.create_task(_run(work, name), name=name)
        self._running.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, work, holder))
        return task

    def _ended(self, task: asyncio.Task[None], work: Coroutine[Any, Any, Any], holder: Holder) -> None:
        """By callback: a task that is cancelled before its first step runs nothing of its own."""
        self._running.discard(task)
        work.close()
        holder.leave()

    async def close(self) -> None:
        """Cancel what still runs and wait for it."""
        await cancel_all(self._running)


async def _run(work: Coroutine[Any, Any, Any], name: str) -> None:
    try:
        await work
    except Exception:
        log.exception("background work failed", task=name)


async def cancel_all(tasks: Iterable[asyncio.Task[None]]) -> None:
    pending = [task for task in tasks if not task.done()]
    for task in pending:
        task.cancel()
    if pending:
        await asyncio.wait(pending)


class PolicyTasks:
    """The background work of one policy's parts, which holds the policy open.

    It can begin once ``holder`` is known: in a part's ``open``, or later.
    """

    def __init__(self, background: Background) -> None:
        self._background = background
        self.holder: Holder | None = None

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> bool:
        if self.holder is None:
            work.close()
            raise RuntimeError("background work begins in open, not where a part is made")
        return self._background.start(work, name=name, holder=self.holder) is not None


class ComponentTasks:
    """The background work of a component, which holds no policy open and ends with the component."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, Any], *, name: str) -> bool:
        task = self._background.start(work, name=name, holder=self)
        if task is not None:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return task is not None

    def enter(self) -> None:
        """It holds nothing open."""

    def leave(self) -> None:
        """As above."""

    async def close(self) -> None:
        await cancel_all(self._running)
