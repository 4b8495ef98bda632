"""Visits: who uses the admin port, in the audit trail: every change, and who reads or is refused, once in a while."""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from typing import Any

from starlette.types import Scope, Send

from gateway.audit.protocol import Auditor
from gateway.exchange import SAFE_METHODS

READS, REFUSALS = 600.0, 60.0
"""Seconds in which somebody's reads, or refusals, make one entry: a dashboard asks every few seconds, and a stranger
who knocks must not fill the trail."""

MOST = 1000
"""Visitors that are remembered."""

_LONGEST_PATH = 200


class Visits:
    """Adds entries: ``admin.change`` for each request that may change something, ``admin.read``, ``admin.refused``.

    Of those that are not entered each, the next entry says how many there were ``before``.
    """

    def __init__(self, auditor: Auditor, now: Callable[[], float] = time.monotonic) -> None:
        self._auditor = auditor
        self._now = now
        self._seen: dict[tuple[str, ...], tuple[float, int]] = {}

    def watched(self, scope: Scope, send: Send) -> Send:
        """``send`` of a request that was let through; its entry says how it was answered."""

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self._answered(scope, message["status"])
            await send(message)

        return sending

    def refused(self, scope: Scope, status: int) -> None:
        """One that was not let through."""
        before = self._in_a_while(("refused", _peer(scope), str(status)), REFUSALS)
        if before is not None:
            self._add("admin.refused", scope, status, None, before)

    def _answered(self, scope: Scope, status: int) -> None:
        via = scope["payguard.via"]
        if scope["method"] not in SAFE_METHODS:
            self._add("admin.change", scope, status, via, 0)
            return
        before = self._in_a_while(("read", _peer(scope), via), READS)
        if before is not None:
            self._add("admin.read", scope, status, via, before)

    def _add(self, action: str, scope: Scope, status: int, via: str | None, before: int) -> None:
        self._auditor.add(
            action,
            subject=f"{scope['method']} {scope['path'][:_LONGEST_PATH]}",
            outcome=str(status),
            principal=via,
            ip=_peer(scope),
            detail={"before": before} if before else {},
        )

    def _in_a_while(self, visitor: tuple[str, ...], seconds: float) -> int | None:
        """How many there were since the last that was entered; None where this one is to be counted alone."""
        now, (entered, count) = self._now(), self._seen.get(visitor, (float("-inf"), 0))
        if now - entered < seconds:
            self._seen[visitor] = entered, count + 1
            return None
        if len(self._seen) >= MOST:
            self._seen.clear()
        self._seen[visitor] = now, 0
        return count


def _peer(scope: Scope) -> str:
    return "" if scope["client"] is None else str(scope["client"][0])
