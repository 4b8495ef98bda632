"""The auditor of a process that keeps no trail."""

from __future__ import annotations

from gateway.audit.protocol import UNKEPT, Auditor


async def test_it_takes_everything_and_keeps_nothing() -> None:
    auditor: Auditor = UNKEPT
    auditor.open()
    await auditor.add("a.b", subject="x")
    await auditor.record("a.b", subject="x", outcome="done", principal=None, ip=None, policy="", detail={})
    await auditor.prune(1.0)
    await auditor.close()
