"""Health: checks that run in the background, and what probes are told of them without waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import structlog

from gateway.control.jobs import Jobs
from gateway.parts import Check, Job

log = structlog.get_logger("payguard.health")

State = Literal["pending", "ok", "failed"]

SOON = 1.0
"""Seconds between the runs of a check while somebody waits for the gateway to become ready."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check last said.  ``at`` is in seconds since the epoch, None where it has not run yet."""

    check: Check
    state: State = "pending"
    detail: str | None = None
    at: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A probe's answer; ``reasons`` say why it is no.  What a check found is not among them: anyone may ask."""

    reasons: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.reasons


class Health:
    """What the process can say of itself at any moment, at once.

    *Live* is about the process alone: only ``broken`` ends it.  *Started* is it from ``serving`` on.  *Ready* it is
    when it has started, every check that counts was well, and it does not drain.  Once it was ready, only a check
    whose readiness is ``always`` takes that back: a dependency that fails later is for the report, not for the probe.

    Until it is ready checks run often: a sidecar starts before its backend, and a rollout waits for both.
    """

    def __init__(
        self,
        *,
        mask: Callable[[str], str] = str,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.draining = False
        self._mask = mask
        self._now = now
        self._sleep = sleep
        self._runs = Jobs(spread=0, now=now, sleep=self._pause)
        self._jobs: dict[str, Job] = {}
        self._findings: dict[str, Finding] = {}
        self._serving = False
        self._was_ready = False
        self._broken: str | None = None

    @property
    def findings(self) -> list[Finding]:
        return list(self._findings.values())

    async def watch(self, checks: Iterable[Check]) -> None:
        """Run these checks and no others; what one that stays has found is kept."""
        findings, jobs = {}, []
        for check in checks:
            known = self._findings.get(check.name)
            same = known is not None and known.check == check
            findings[check.name] = known if known is not None and same else Finding(check)
            jobs.append(self._jobs[check.name] if same else self._job(check))
        await self._runs.replace(jobs)
        self._jobs, self._findings = {job.name: job for job in jobs}, findings

    async def close(self) -> None:
        await self._runs.stop()

    def serving(self) -> None:
        """A policy is active, its checks are watched, and the data port takes connections."""
        self._serving = True
        self._settle()

    def drain(self) -> None:
        self.draining = True

    def broken(self, reason: str) -> None:
        """Something is wrong that only a new process can mend."""
        log.critical("the process is broken", reason=reason)
        self._broken = reason

    def live(self) -> Verdict:
        return Verdict() if self._broken is None else Verdict((self._broken,))

    def started(self) -> Verdict:
        return Verdict() if self._serving else Verdict(("starting",))

    def ready(self) -> Verdict:
        reasons = [*self.live().reasons, *self.started().reasons]
        if self.draining:
            reasons.append("draining")
        reasons += [f"{each.check.name} {each.state}" for each in self.findings if self._counts(each)]
        return Verdict(tuple(reasons))

    @property
    def status(self) -> Literal["ok", "degraded", "unavailable"]:
        if not self.ready():
            return "unavailable"
        return "degraded" if any(each.state == "failed" for each in self.findings) else "ok"

    def _counts(self, finding: Finding) -> bool:
        """Whether it keeps the gateway from being ready."""
        if self._was_ready:
            return finding.check.readiness == "always" and finding.state == "failed"
        return finding.check.readiness != "no" and finding.state != "ok"

    def _settle(self) -> None:
        self._was_ready = self._was_ready or bool(self.ready())

    def _found(self, finding: Finding) -> None:
        name = finding.check.name
        before = self._findings.get(name)
        if before is None or before.check != finding.check:
            return  # it is no longer watched
        self._findings[name] = finding
        if finding.state == "failed" and before.state != "failed":
            log.warning("a check failed", check=name, detail=finding.detail)
        elif finding.state == "ok" and before.state == "failed":
            log.info("a check is well again", check=name)
        self._settle()

    async def _pause(self, seconds: float) -> None:
        await self._sleep(seconds if self._was_ready else min(seconds, SOON))

    def _job(self, check: Check) -> Job:
        return Job(check.name, partial(self._run, check), check.every, timeout=check.timeout + 1)

    async def _run(self, check: Check) -> None:
        began = time.perf_counter()
        finding = Finding(check, "ok", at=self._now())
        try:
            async with asyncio.timeout(check.timeout):
                said = await check.run()
            finding = replace(finding, detail=said)
        except TimeoutError as error:
            finding = replace(finding, state="failed", detail=str(error) or f"no answer within {check.timeout:g} s")
        except Exception as error:  # noqa: BLE001 - whatever it raises is its answer
            finding = replace(finding, state="failed", detail=str(error) or type(error).__name__)
        detail = None if finding.detail is None else self._mask(finding.detail)
        self._found(replace(finding, detail=detail, seconds=time.perf_counter() - began))
