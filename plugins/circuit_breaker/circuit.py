"""One circuit: the states, storage and listeners of pybreaker; what counts, and who probes, is decided here.

pybreaker's own ways to call something are of no use under asyncio: ``call`` never sees a coroutine fail, ``calling``
takes a client's leaving for a failure, and a half-open breaker lets everybody through.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pybreaker

from gateway import Severity

from .decision import Verdict, Window, refusal, trips
from .options import CircuitBreakerConfig

OPEN, HALF_OPEN, CLOSED = pybreaker.STATE_OPEN, pybreaker.STATE_HALF_OPEN, pybreaker.STATE_CLOSED

_ELSEWHERE = "elsewhere"
"""Why it opened, where somebody else opened it."""

_EVENTS = {OPEN: "circuit_opened", HALF_OPEN: "circuit_half_open", CLOSED: "circuit_closed"}

Tell = Callable[[str, Severity, dict[str, Any]], None]
"""Told of each change: the event's code, its severity, its detail."""


class Ticket:
    """What an attempt was admitted on: while the circuit was closed, or as the one probe until ``until``."""

    __slots__ = ("until",)

    def __init__(self, until: float = inf) -> None:
        self.until = until


class Circuit(pybreaker.CircuitBreakerListener):
    """Counts calls while closed, refuses while open, probes while half open.

    A change of its storage by somebody else is noticed at the next ``admit``.  What was admitted before a change of
    state counts no more after it.
    """

    def __init__(
        self,
        config: CircuitBreakerConfig,
        now: Callable[[], float],
        tell: Tell,
        storage: pybreaker.CircuitBreakerStorage | None = None,
    ) -> None:
        self.window = Window(config.window)
        self.opened = 0
        """How often it has opened."""
        self.reason: str | None = None
        """Why it last did."""
        self.changed = now()
        self.news: str | None = None
        """The state that it came to by itself, for whoever tells others; they take it off."""
        self._told = False
        self._config = config
        self._now = now
        self._tell = tell
        self._because = _ELSEWHERE
        self._closed = Ticket()
        self._probe: Ticket | None = None
        self._breaker = pybreaker.CircuitBreaker(
            success_threshold=config.probes,
            state_storage=storage or pybreaker.CircuitMemoryStorage(CLOSED),
            listeners=[self],
        )

    @property
    def state(self) -> str:
        return self._breaker.state.name

    @property
    def left(self) -> float:
        """Seconds for which an open one still refuses everything."""
        return max(0.0, self.changed + self._config.open_for - self._now())

    def admit(self, deadline: float) -> Ticket:
        """The right to an attempt, of an exchange that ends before ``deadline`` unless its answer streams on.

        A probe that is not back by then, or in ``open_for``, keeps others out no longer.
        """
        state = self._breaker.state.name
        if state == CLOSED:
            return self._closed
        if state == OPEN:
            if self.left > 0:
                raise refusal(self.left)
            self._breaker.half_open()
        now = self._now()
        if self._probe is not None and now < self._probe.until:
            raise refusal(0)
        self._probe = Ticket(max(now + self._config.open_for, deadline))
        return self._probe

    def settle(self, ticket: Ticket, verdict: Verdict) -> None:
        if ticket is self._closed:
            if verdict not in ("nothing", "alive"):
                self._count(verdict)
        elif ticket is self._probe:
            self._probe = None
            if verdict in ("failed", "slow"):
                self._open("probe_failed" if verdict == "failed" else "probe_slow")
            elif verdict != "nothing":
                self._breaker.state.on_success()

    def open_as_told(self) -> None:
        """Another gateway found the upstream to fail."""
        self._told = True
        self._breaker.open()

    def close_as_told(self) -> None:
        """Another gateway found it to be well again."""
        self._told = True
        self._breaker.close()

    def _count(self, verdict: Verdict) -> None:
        self.window.add(verdict, self._now())
        if verdict != "good" and (reason := trips(self.window, self._config)) is not None:
            self._open(reason)

    def _open(self, reason: str) -> None:
        self._because = reason
        self._breaker.open()

    def state_change(
        self,
        cb: Any,  # noqa: ARG002 - pybreaker's signature
        old_state: pybreaker.CircuitBreakerState | None,
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        """pybreaker's: its state is another now.  Called before ``state`` says so."""
        detail: dict[str, Any] = {}
        severity: Severity = "info"
        if new_state.name == OPEN:
            self.opened += 1
            self.reason = self._because
            severity = "critical" if old_state is not None and old_state.name == CLOSED else "warning"
            window = self.window
            detail = {
                "reason": self.reason,
                "calls": window.calls,
                "failed": window.failed,
                "slow": window.slow,
                "open_for": self._config.open_for,
            }
        if not self._told and new_state.name != HALF_OPEN:
            self.news = new_state.name
        self._told = False
        self.changed, self._because = self._now(), _ELSEWHERE
        self._closed, self._probe = Ticket(), None
        self.window.clear()
        self._tell(_EVENTS[new_state.name], severity, detail)
