"""Probes, the health report and metrics: what machines ask every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.admin.answers import Json, Problem, text
from gateway.admin.state import AdminState
from gateway.control.health import Finding, Health, Verdict

_MARKS = {"ok": "+", "failed": "-", "pending": "?"}


def routes(state: AdminState) -> list[Route]:
    health = state.health
    return [
        Route("/livez", _probe(health, health.live), methods=["GET"]),
        Route("/readyz", _probe(health, health.ready), methods=["GET"]),
        Route("/startupz", _probe(health, health.started), methods=["GET"]),
        Route("/healthz", _report(health), methods=["GET"]),
        Route("/metrics", _metrics(state), methods=["GET"]),
    ]


def _probe(health: Health, verdict: Callable[[], Verdict]) -> Callable[[Request], Any]:
    """200 or 503, and a word for people.  What a check has to say is for the report: anyone may ask here."""

    async def probe(request: Request) -> Response:
        found = verdict()
        lines = ["ok" if found else f"not ok: {', '.join(found.reasons)}"]
        if "verbose" in request.query_params:
            lines += _checks(health)
        return text("\n".join(lines) + "\n", 200 if found else 503)

    return probe


def _checks(health: Health) -> Iterator[str]:
    for finding in health.findings:
        yield f"[{_MARKS[finding.state]}] {finding.check.name}: {finding.state}"


def _report(health: Health) -> Callable[[Request], Any]:
    async def report(_: Request) -> Response:
        status, now = health.status, time.time()
        document = {
            "status": status,
            "live": bool(health.live()),
            "started": bool(health.started()),
            "ready": bool(health.ready()),
            "reasons": health.ready().reasons,
            "draining": health.draining,
            "checks": [_finding(each, now) for each in health.findings],
        }
        return Json(document, 503 if status == "unavailable" else 200)

    return report


def _finding(finding: Finding, now: float) -> dict[str, Any]:
    return {
        "name": finding.check.name,
        "state": finding.state,
        "detail": finding.detail,
        "readiness": finding.check.readiness,
        "age_seconds": None if finding.at is None else round(max(0.0, now - finding.at), 3),
        "duration_ms": None if finding.seconds is None else round(finding.seconds * 1000, 3),
    }


def _metrics(state: AdminState) -> Callable[[Request], Any]:
    async def metrics(request: Request) -> Response:
        if state.metrics is None:
            return Problem(404, "monitoring_off", "MONITORING_ENABLED is false.")
        content, content_type = state.metrics.exposition(request.headers.get("accept", ""))
        return Response(content, headers={"content-type": content_type})

    return metrics
