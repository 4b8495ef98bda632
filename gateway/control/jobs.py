"""Jobs: background work at intervals, one run at a time, and what became of the last."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from random import uniform

import structlog

from gateway.errors import DependencyDown
from gateway.parts import Job

log = structlog.get_logger("payguard.jobs")

STOPS_WITHIN = 5.0


@dataclass(slots=True)
class JobState:
    """What is known of a job.  Times are seconds since the epoch; ``results`` counts ok, failed and timed_out."""

    job: Job
    running: bool = False
    started_at: float | None = None
    next_at: float | None = None
    seconds: float | None = None
    result: str | None = None
    error: str | None = None
    results: Counter[str] = field(default_factory=Counter)


class Jobs:
    """Runs each job every so often, give or take ``spread`` of its interval, and never twice at once.

    An interval counts from the end of the run before.  A failure, and a run that takes too long, are logged and
    counted, and the next run comes in its time.
    """

    def __init__(
        self,
        *,
        spread: float = 0.1,
        mask: Callable[[str], str] = str,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._spread = spread
        self._mask = mask
        self._now = now
        self._sleep = sleep
        self._states: dict[str, JobState] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def states(self) -> list[JobState]:
        return list(self._states.values())

    async def replace(self, jobs: Iterable[Job]) -> None:
        """Run these and no others: those that are the same go on, those that are gone have ended on return."""
        wanted: dict[str, Job] = {}
        for job in jobs:
            if job.name in wanted:
                raise ValueError(f"two jobs are called {job.name}")
            wanted[job.name] = job
        await self._end([name for name, state in self._states.items() if wanted.get(name) != state.job])
        for name, job in wanted.items():
            if name not in self._states:
                state = self._states[name] = JobState(job)
                self._tasks[name] = asyncio.create_task(self._keep(state), name=f"job {name}")

    async def stop(self) -> None:
        """Cancel all and wait for them; one that does not let go is logged and left behind."""
        await self._end(list(self._states))

    async def _end(self, names: list[str]) -> None:
        tasks = [self._tasks.pop(name) for name in names]
        for name, task in zip(names, tasks, strict=True):
            del self._states[name]
            task.cancel()
        if tasks:
            _, stuck = await asyncio.wait(tasks, timeout=STOPS_WITHIN)
            for task in stuck:
                log.error("a job does not stop", task=task.get_name())

    async def _keep(self, state: JobState) -> None:
        job = state.job
        pause = job.every * uniform(0, self._spread)  # noqa: S311 - spreads load, guards nothing
        while True:
            state.next_at = self._now() + pause
            await self._sleep(pause)
            await self._run(state)
            pause = job.every * uniform(1 - self._spread, 1 + self._spread)  # noqa: S311

    async def _run(self, state: JobState) -> None:
        job = state.job
        state.running, state.started_at, state.next_at = True, self._now(), None
        began = time.perf_counter()
        try:
            result, error = await _outcome(job)
        finally:
            state.running, state.seconds = False, time.perf_counter() - began
        state.result, state.error = result, error and self._mask(error)
        state.results[result] += 1


async def _outcome(job: Job) -> tuple[str, str | None]:
    limit = asyncio.timeout(job.timeout)
    try:
        async with limit:
            await job.run()
    except Exception as error:
        if limit.expired():
            log.warning("a job took too long", job=job.name, timeout=job.timeout)
            return "timed_out", f"took longer than {job.timeout:g} s"
        away = isinstance(error, DependencyDown)  # its own check says why; a traceback each second says no more
        log.warning("a job failed", job=job.name, exc_info=None if away else error, reason=str(error))
        return "failed", f"{type(error).__name__}: {error}"
    return "ok", None
