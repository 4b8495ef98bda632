"""Checks, jobs and gauges follow the policy in force."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from gateway.control.compiler import Compiler
from gateway.control.reloader import PolicyStatus, Rejection
from gateway.control.upkeep import Upkeep, read_gauges
from gateway.dataplane.app import DataPlane
from gateway.dataplane.clients import ClientLimits, Clients
from gateway.dataplane.snapshot import Active

TICKER = """\
import asyncio
from gateway import Check, Component, Job, Measure, hookimpl

class Ticker(Component):
    name = "ticker"

    def __init__(self, config, scope):
        super().__init__(config, scope)
        self.ticked = asyncio.Event()

    async def tick(self):
        self.ticked.set()

    def jobs(self):
        return [Job("tick", self.tick, every=0.001)]

    def checks(self):
        return [Check("ticks", self.ticked.wait)]

    def measures(self):
        return [Measure("ticks", "gauge", "Whether it ticked.", (), {(): self.ticked.is_set()})]

class Clock(Ticker):
    name = "clock"

class Stammering(Ticker):
    name = "stammering"

    def jobs(self):
        return [*super().jobs(), *super().jobs()]

class Silent(Ticker):
    name = "silent"

    def jobs(self):
        raise RuntimeError("nothing is ready yet")

class Telltale(Ticker):
    name = "telltale"

    async def tick(self):
        self.ticked.set()
        raise RuntimeError("the key is sk_live_4eC39HqLyjWDarjtT1zdp7dc")

@hookimpl
def register_components():
    return [Ticker, Clock, Stammering, Silent, Telltale]
"""


def policy(*, upstream: str = "backend", port: int = 9, components: str = "{}") -> str:
    return f"""\
version: 1
components: {components}
upstreams:
  {upstream}: {{url: "http://127.0.0.1:{port}"}}
routes:
  - {{name: invoices, match: {{path: "/v1/invoices/{{id}}"}}, upstream: {upstream}}}
  - {{name: rest, match: {{prefix: /}}, upstream: {upstream}}}
"""


@pytest.fixture
async def laid(foundation, tmp_path):
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "ticker.py").write_text(TICKER)
    made = foundation(plugin_dirs=(tmp_path / "ours",))
    made.settings.data_dir.mkdir(exist_ok=True)
    yield replace(made, compiler=Compiler(made.plugins.registry, made.services))  # no components but a test's own
    await made.services.close()


@pytest.fixture
async def active(laid) -> Active:
    return Active(laid.compiler.compile(policy(), "policy.yaml"))


@pytest.fixture
def status(active) -> PolicyStatus:
    return PolicyStatus("policy.yaml", active.snapshot.digest, 0.0)


@pytest.fixture
async def upkeep(laid, active, status):
    made = Upkeep(laid, active, status)
    await made.follow(active.snapshot)
    yield made
    await made.close()


async def follow(upkeep: Upkeep, laid, active: Active, text: str) -> None:
    active.snapshot = laid.compiler.compile(text, "policy.yaml")
    await upkeep.follow(active.snapshot)


def checks(upkeep: Upkeep) -> set[str]:
    return {finding.check.name for finding in upkeep.health.findings}


async def test_the_core_and_each_upstream_are_checked(upkeep) -> None:
    assert checks(upkeep) == {"event_loop", "policy", "storage", "ledger", "store", "keys", "upstream backend"}


async def test_checks_follow_the_policy(upkeep, laid, active) -> None:
    await follow(upkeep, laid, active, policy(upstream="other", components="{ticker: {}}"))
    assert checks(upkeep) == {
        "event_loop",
        "policy",
        "storage",
        "ledger",
        "store",
        "keys",
        "upstream other",
        "ticker.ticks",
    }


async def test_what_is_known_of_an_upstream_that_stays_is_kept(upkeep, laid, active) -> None:
    def finding():
        return next(each for each in upkeep.health.findings if each.check.name == "upstream backend")

    while finding().state == "pending":  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0.001)
    await follow(upkeep, laid, active, policy() + "# an edit\n")
    assert finding().state == "failed"


async def test_an_upstream_that_moves_is_checked_where_it_now_is(upkeep, laid, active) -> None:
    await follow(upkeep, laid, active, policy(port=10))
    finding = next(each for each in upkeep.health.findings if each.check.name == "upstream backend")
    assert finding.state == "pending"


async def test_jobs_run_for_as_long_as_the_policy_has_their_component(upkeep, laid, active) -> None:
    await follow(upkeep, laid, active, policy(components="{ticker: {}}"))
    [ticker] = active.snapshot.components
    await ticker.ticked.wait()
    await follow(upkeep, laid, active, policy())
    assert upkeep.jobs.states == []


async def test_components_of_different_plugins_may_call_their_jobs_and_checks_alike(upkeep, laid, active) -> None:
    await follow(upkeep, laid, active, policy(components="{ticker: {}, clock: {}}"))
    assert {state.job.name for state in upkeep.jobs.states} == {"ticker.tick", "clock.tick"}
    assert {"ticker.ticks", "clock.ticks", "storage", "upstream backend"} <= checks(upkeep)


async def test_a_component_that_names_two_jobs_alike_has_one_and_costs_nobody_a_check(upkeep, laid, active) -> None:
    with capture_logs() as said:
        await follow(upkeep, laid, active, policy(components="{stammering: {}}"))
    assert [state.job.name for state in upkeep.jobs.states] == ["stammering.tick"]
    assert {"stammering.ticks", "storage", "upstream backend"} <= checks(upkeep)
    assert [each["name"] for each in said] == ["stammering.tick"]


async def test_a_component_that_cannot_say_its_jobs_costs_the_others_none(upkeep, laid, active) -> None:
    with capture_logs() as said:
        await follow(upkeep, laid, active, policy(components="{silent: {}, ticker: {}}"))
    assert [state.job.name for state in upkeep.jobs.states] == ["ticker.tick"]
    assert {"silent.ticks", "ticker.ticks", "storage"} <= checks(upkeep)
    assert [each["component"] for each in said] == ["silent"]


async def test_the_cores_own_components_work_whatever_the_policy_says(foundation, status) -> None:
    laid = foundation()
    laid.settings.data_dir.mkdir(exist_ok=True)
    active = Active(laid.compiler.compile(policy(), "policy.yaml"))
    upkeep = Upkeep(laid, active, status)
    await upkeep.follow(active.snapshot)
    jobs = {state.job.name for state in upkeep.jobs.states}
    await upkeep.close()
    await laid.services.close()

    assert jobs == {
        "audit.prune",
        "ledger.free",
        "ledger.prune",
        "ledger.count",
        "recovery.ask",
        "forwarding.send",
        "forwarding.expire",
        "retries.try",
        "retries.expire",
        "retries.count",
        "retries.prune",
    }
    assert "recovery.runs" in checks(upkeep)


async def test_why_a_job_failed_is_told_without_its_secrets(upkeep, laid, active) -> None:
    with capture_logs():
        await follow(upkeep, laid, active, policy(components="{telltale: {}}"))
        [state] = upkeep.jobs.states
        while state.error is None:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.001)
    assert state.error == "RuntimeError: the key is sk_live_[masked]"


async def test_spans_know_the_path_templates_of_the_routes_in_force(upkeep, laid) -> None:
    assert laid.templates == {"invoices": "/v1/invoices/{id}"}


async def test_gauges_are_read_at_each_scrape(upkeep, laid, active, status) -> None:
    read_gauges(laid, DataPlane(active), active, status, clients=Clients(ClientLimits()), upkeep=upkeep)

    def scraped() -> list[str]:
        return laid.metrics.exposition()[0].decode().splitlines()

    assert f'payguard_policy_info{{digest="{active.snapshot.digest}"}} 1.0' in scraped()
    assert 'payguard_pool_connections{state="open",upstream="backend"} 0.0' in scraped()
    assert 'payguard_pool_events_total{event="opened",upstream="backend"} 0.0' in scraped()
    assert "payguard_requests_in_flight 0.0" in scraped()
    assert "payguard_policy_last_rejected 0.0" in scraped()
    status.rejection = Rejection(0.0, ("broken",), transient=False)
    status.reloads["rejected"] = 3
    assert "payguard_policy_last_rejected 1.0" in scraped()
    assert 'payguard_policy_reloads_total{result="rejected"} 3.0' in scraped()
    await follow(upkeep, laid, active, policy(upstream="other", components="{ticker: {}}"))
    assert 'payguard_pool_waiting{upstream="other"} 0.0' in scraped()
    [ticker] = active.snapshot.components
    await ticker.ticked.wait()
    assert any(line.startswith('payguard_job_runs_total{job="ticker.tick",result="ok"}') for line in scraped())
    assert "payguard_ticker_ticks 1.0" in scraped()
    assert 'payguard_check_up{check="storage"}' in "".join(scraped())
    assert "payguard_ticker_ticks 1.0" in scraped()


async def test_events_and_the_ledger_s_numbers_are_in_the_metrics(laid, upkeep, active, status) -> None:
    await laid.database.open()
    read_gauges(laid, DataPlane(active), active, status, clients=Clients(ClientLimits()), upkeep=upkeep)
    await laid.database.write("CREATE TABLE things (id TEXT)")
    laid.services.events.tell("payment_unresolved", source="recovery", severity="critical")

    said = laid.metrics.exposition()[0].decode().splitlines()

    assert 'payguard_events_total{event="payment_unresolved",severity="critical"} 1.0' in said
    for series in ("queue 0.0", "commits_total 1.0", "statements_total 1.0", "failures_total 0.0", "slow_total 0.0"):
        assert f"payguard_ledger_{series}" in said
    assert 'payguard_ledger_connections{state="open"} 4.0' in said
    assert any(line.startswith("payguard_ledger_commit_seconds_total ") for line in said)


async def test_what_the_audit_trail_took_lost_and_has_not_committed_is_in_the_metrics(
    laid, upkeep, active, status
) -> None:
    await laid.database.open()
    read_gauges(laid, DataPlane(active), active, status, clients=Clients(ClientLimits()), upkeep=upkeep)
    await laid.services.audit.add("a.b", subject="x")
    laid.services.audit.add("a.b", subject="y")

    said = laid.metrics.exposition()[0].decode().splitlines()

    for series in ("entries_total 2.0", "lost_total 0.0", "waiting 1.0"):
        assert f"payguard_audit_{series}" in said
