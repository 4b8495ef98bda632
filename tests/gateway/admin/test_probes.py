from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from gateway.control.health import Health
from gateway.parts import Check
from tests.gateway.admin.admins import ELSEWHERE, client, state
from tests.gateway.control.pauses import Pauses
from tests.gateway.telemetry.exchanges import ended


@pytest.fixture
async def health():
    """Two checks have run once: one is well, one is not."""
    pauses = Pauses()
    health = Health(sleep=pauses.sleep)

    async def fine() -> str:
        return "64 MiB free"

    async def refused() -> str:
        raise ConnectionRefusedError("10.0.0.7 refused")

    with capture_logs():
        await health.watch([Check("storage", fine), Check("upstream backend", refused)])
        for _ in range(2):
            await pauses.pass_by()
        for _ in range(2):
            await pauses.next()
        yield health
        await health.close()


@pytest.mark.parametrize(
    ("happens", "live", "started", "ready"),
    [
        ([], 200, 503, 503),
        (["serving"], 200, 200, 200),
        (["serving", "drain"], 200, 200, 503),
    ],
)
async def test_probes_say_how_far_the_process_is(health, happens, live, started, ready):
    for each in happens:
        getattr(health, each)()
    async with client(state(health=health), ELSEWHERE) as kubelet:
        answers = [(await kubelet.get(path)).status_code for path in ("/livez", "/startupz", "/readyz")]
    assert answers == [live, started, ready]


async def test_a_process_that_is_broken_is_to_be_replaced(health):
    health.broken("the data port is gone")
    async with client(state(health=health)) as kubelet:
        assert (await kubelet.get("/livez")).status_code == 503


async def test_a_probe_says_why_not_and_with_verbose_the_state_of_every_check_and_no_more(health):
    async with client(state(health=health), ELSEWHERE) as kubelet:
        assert (await kubelet.get("/readyz")).text == "not ok: starting\n"
        verbose = await kubelet.get("/livez?verbose")
    assert verbose.text == "ok\n[+] storage: ok\n[-] upstream backend: failed\n"
    assert verbose.headers["cache-control"] == "no-store"


async def test_the_report_has_every_check_with_its_age_and_how_long_it_took(health):
    health.serving()
    async with client(state(health=health)) as local:
        answer = await local.get("/healthz")
    document = answer.json()
    checks = document.pop("checks")
    assert (answer.status_code, document) == (
        200,
        {"status": "degraded", "live": True, "started": True, "ready": True, "reasons": [], "draining": False},
    )
    assert [(check["name"], check["state"], check["detail"]) for check in checks] == [
        ("storage", "ok", "64 MiB free"),
        ("upstream backend", "failed", "10.0.0.7 refused"),
    ]
    assert all(0 <= check["age_seconds"] < 60 and check["duration_ms"] >= 0 for check in checks)


async def test_the_report_of_a_process_that_is_not_ready_is_a_503(health):
    async with client(state(health=health)) as local:
        answer = await local.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")


async def test_metrics_are_as_prometheus_asks_for_them():
    given = state()
    given.metrics.ended(ended())
    async with client(given, ELSEWHERE) as prometheus:
        answer = await prometheus.get("/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert "payguard_requests_total{" in answer.text


async def test_without_monitoring_there_are_no_metrics_and_probes_stay():
    async with client(state(metrics=None), ELSEWHERE) as prometheus:
        answer = await prometheus.get("/metrics")
        assert (answer.status_code, answer.json()["code"]) == (404, "monitoring_off")
        assert (await prometheus.get("/livez")).status_code == 200
