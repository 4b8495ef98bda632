"""Events: what people should hear of.  Each is a log line and a count; alert rules see them."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.parts import Severity

log = structlog.get_logger("payguard.events")

REMEMBERED = 200
MOST_CODES = 500
"""Codes are words of the code, so they are few; a plugin that makes them up does not fill the memory."""


@dataclass(frozen=True, slots=True)
class Event:
    """``at`` is in seconds since the epoch; ``source`` is the part that told of it, or the core."""

    at: float
    code: str
    severity: Severity
    source: str
    detail: Mapping[str, Any]


class Events:
    """``counts`` holds how often each code came with each severity; ``recent`` the last ones, newest first."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.recent: deque[Event] = deque(maxlen=REMEMBERED)
        self._now = now

    def tell(self, code: str, /, *, source: str, severity: Severity = "warning", **detail: Any) -> None:
        self.recent.appendleft(Event(self._now(), code, severity, source, detail))
        key = (code, severity)
        if key in self.counts or len(self.counts) < MOST_CODES:
            self.counts[key] += 1
        say = {"info": log.info, "warning": log.warning, "critical": log.error}[severity]
        say(code, source=source, severity=severity, **{name: detail[name] for name in detail if name not in _TAKEN})


_TAKEN = frozenset({"event", "level", "ts"})
