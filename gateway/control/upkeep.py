"""Upkeep: the checks, jobs and gauges of a process, which follow the policy in force."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal, TypeVar

import structlog

from gateway.audit.protocol import Auditor
from gateway.control import checks
from gateway.control.foundation import Foundation
from gateway.control.health import Health
from gateway.control.jobs import Jobs
from gateway.control.reloader import PolicyStatus
from gateway.control.retries import Retries
from gateway.database.protocol import Database
from gateway.dataplane.app import DataPlane
from gateway.dataplane.clients import Clients
from gateway.dataplane.pool import Pool
from gateway.dataplane.snapshot import Active, Snapshot
from gateway.ledger.keeping import Keeping
from gateway.ledger.recovery import Recovery
from gateway.parts import Check, Component, Job
from gateway.store.protocol import Store
from gateway.telemetry import catalogue
from gateway.telemetry.loop_lag import LoopLag
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.series import Labels, Read

log = structlog.get_logger("payguard.upkeep")

ComponentT = TypeVar("ComponentT", bound=Component[Any])
NamedT = TypeVar("NamedT", Job, Check)

_EVENTS = ("opened", "reused", "failed", "expired", "refused")


class Upkeep:
    """``follow`` is to be awaited for each policy that takes over; ``close`` ends it all."""

    def __init__(self, foundation: Foundation, active: Active, status: PolicyStatus) -> None:
        self.health = Health(mask=foundation.masking.text)
        self.jobs = Jobs(mask=foundation.masking.text)
        self._active = active
        self._templates = foundation.templates
        self._lag = LoopLag(partial(foundation.metrics.loop_lag.observe, ()))
        self._own = (
            checks.event_loop(self._lag),
            checks.policy(lambda: status),
            checks.storage(foundation.settings.data_dir),
            checks.ledger(foundation.database),
            checks.store(foundation.services.store),
            foundation.key_watch.check(),
        )
        self._upstreams: dict[Pool, Check] = {}
        self._lag.start()

    async def follow(self, snapshot: Snapshot) -> None:
        self._templates.clear()
        self._templates.update({route.name: route.match.path for route in snapshot.routes if route.match.path})
        components = snapshot.components
        await self.jobs.replace(_named(components, lambda component: component.jobs()))
        known, self._upstreams = self._upstreams, {}
        readiness: Literal["no", "first"] = "first" if len(snapshot.upstreams) == 1 else "no"  # the others can serve
        for upstream in snapshot.upstreams:  # one that stays keeps its check, and what that has found
            pool = upstream.pool
            self._upstreams[pool] = known.get(pool) or checks.upstream(upstream.name, pool, readiness=readiness)
        of_components = _named(components, lambda component: component.checks())
        await self.health.watch((*self._own, *self._upstreams.values(), *of_components))

    async def close(self) -> None:
        self._lag.stop()
        await self.jobs.stop()
        await self.health.close()


def _named(components: Iterable[Component[Any]], asked: Callable[[Component[Any]], Sequence[NamedT]]) -> list[NamedT]:
    """What each component has, under the component's name: two plugins need not know of each other.

    One that cannot say what it has, or calls two things alike, costs nobody else theirs.
    """
    named: dict[str, NamedT] = {}
    for component in components:
        try:
            found = [replace(each, name=f"{component.name}.{each.name}") for each in asked(component)]
        except Exception:
            log.exception("a component cannot say what it has to run", component=component.name)
            continue
        for each in found:
            if named.setdefault(each.name, each) is not each:
                log.error("a component calls two things alike; the first runs", name=each.name)
    return list(named.values())


def read_gauges(
    foundation: Foundation,
    data_plane: DataPlane,
    active: Active,
    status: PolicyStatus,
    *,
    clients: Clients,
    upkeep: Upkeep,
) -> None:
    """Let metrics ask, at each scrape, for what somebody else counts."""
    read = foundation.metrics.read
    read(catalogue.REFUSED, lambda: _numbers(clients.refusals.items()))
    read(catalogue.IN_FLIGHT, lambda: data_plane.in_flight)
    read(catalogue.POOL_CONNECTIONS, lambda: _pools(active, ("open", "idle"), ""))
    read(
        catalogue.POOL_WAITING, lambda: {each.name: each.pool.stats()["waiting"] for each in active.snapshot.upstreams}
    )
    read(catalogue.POOL_EVENTS, lambda: _pools(active, _EVENTS, "_total"))
    read(catalogue.POLICY_INFO, lambda: {active.snapshot.digest: 1})
    read(catalogue.POLICY_RELOADS, lambda: _numbers(status.reloads.items()))
    read(catalogue.POLICY_REJECTED, lambda: status.rejection is not None)
    read(catalogue.JOB_RUNS, lambda: _job_runs(upkeep.jobs))
    read(catalogue.CHECK_UP, lambda: {each.check.name: each.state == "ok" for each in upkeep.health.findings})
    read(catalogue.LINES_DROPPED, lambda: foundation.lines.dropped)
    read(catalogue.EVENTS, lambda: _numbers(foundation.services.events.counts.items()))
    read(catalogue.FETCHES, lambda: _numbers(foundation.services.fetches.counts.items()))
    foundation.metrics.components = lambda: active.snapshot.components
    read(catalogue.DETECTED, foundation.services.detections.counts)
    read(catalogue.UNDETECTED, lambda: foundation.services.detections.unseen)
    _read_ledger(foundation.metrics, foundation.database)
    _read_audit(foundation)
    _read_store(foundation)
    _read_payments(foundation.metrics, active)


def _read_ledger(metrics: Metrics, database: Database) -> None:
    numbers = {
        catalogue.LEDGER_QUEUE: "queued",
        catalogue.LEDGER_COMMITS: "commits_total",
        catalogue.LEDGER_STATEMENTS: "statements_total",
        catalogue.LEDGER_FAILURES: "failures_total",
        catalogue.LEDGER_SLOW: "slow_total",
        catalogue.LEDGER_SECONDS: "seconds_total",
    }
    for series, name in numbers.items():
        metrics.read(series, partial(_stat, database, name))
    metrics.read(
        catalogue.LEDGER_CONNECTIONS,
        lambda: {"open": _stat(database, "connections"), "idle": _stat(database, "connections_idle")},
    )


def _read_audit(foundation: Foundation) -> None:
    numbers = {
        catalogue.AUDIT_ENTRIES: "entries_total",
        catalogue.AUDIT_LOST: "lost_total",
        catalogue.AUDIT_WAITING: "waiting",
    }
    for series, name in numbers.items():
        foundation.metrics.read(series, partial(_stat, foundation.services.audit, name))


def _read_store(foundation: Foundation) -> None:
    metrics, services = foundation.metrics, foundation.services
    numbers = {
        catalogue.STORE_ENTRIES: "entries",
        catalogue.STORE_CALLS: "calls_total",
        catalogue.STORE_PIPELINES: "pipelines_total",
        catalogue.STORE_ERRORS: "errors_total",
        catalogue.STORE_SECONDS: "seconds_total",
        catalogue.STORE_CONNECTS: "connects_total",
    }
    for series, name in numbers.items():
        metrics.read(series, partial(_stat, services.store, name))
    metrics.read(catalogue.STORE_FALLBACKS, lambda: 0 if services.fallback is None else services.fallback.used)


def _read_payments(metrics: Metrics, active: Active) -> None:
    """Of the components in force: what they have counted is lost with them, as with a restart."""

    def numbers(kind: type[ComponentT], of: Callable[[ComponentT], Mapping[Any, float]]) -> Read:
        return lambda: {
            labels: number
            for component in active.snapshot.components
            if isinstance(component, kind)
            for labels, number in of(component).items()
        }

    metrics.read(catalogue.PAYMENTS_OPEN, numbers(Keeping, lambda keeping: keeping.counts))
    metrics.read(catalogue.PAYMENTS_OLDEST, numbers(Keeping, lambda keeping: keeping.ages))
    metrics.read(catalogue.RECOVERY_ANSWERS, numbers(Recovery, lambda recovery: recovery.told.answers))
    metrics.read(catalogue.RECOVERY_SECONDS, numbers(Recovery, lambda recovery: recovery.told.seconds))
    metrics.read(catalogue.RECOVERY_RESULTS, numbers(Recovery, lambda recovery: recovery.results))
    metrics.read(catalogue.RETRIES_OPEN, numbers(Retries, lambda retries: retries.counts))
    metrics.read(catalogue.RETRIES, numbers(Retries, lambda retries: retries.results))


def _stat(of: Database | Auditor | Store, name: str) -> float:
    return of.stats()[name]


def _numbers(items: Iterable[tuple[Labels, float]]) -> dict[Labels, float]:
    return dict(items)


def _pools(active: Active, names: tuple[str, ...], suffix: str) -> dict[Labels, float]:
    numbers: dict[Labels, float] = {}
    for upstream in active.snapshot.upstreams:
        stats = upstream.pool.stats()
        numbers |= {(upstream.name, name): stats[name + suffix] for name in names}
    return numbers


def _job_runs(jobs: Jobs) -> dict[Labels, float]:
    return {(state.job.name, result): runs for state in jobs.states for result, runs in state.results.items()}
