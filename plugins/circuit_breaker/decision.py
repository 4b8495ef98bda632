"""What an attempt tells of its upstream, and what the last ones together do.  Pure: times are handed in."""

from __future__ import annotations

from math import ceil
from typing import Literal

from gateway import Attempt, UpstreamUnreachable

from .options import CircuitBreakerConfig

Verdict = Literal["good", "failed", "slow", "alive", "nothing"]
"""`alive`: a 4xx.  It answers, so a probe has succeeded; but what a client did wrong counts neither for nor against
the upstream.  `nothing`: it cannot be told, or was not the upstream's doing."""

_FAILED = "upstream_"
"""How the codes of an upstream's failures begin: unreachable, timed out, broken."""

_OURS = "upstream_pool_exhausted"
"""The gateway's own bound: whatever holds the connections counts for itself."""


def judge(attempt: Attempt, slow_call: float | None) -> Verdict:
    """How an attempt counts.

    A 5xx is a failure whoever broke off after it.  Else what the client broke off (cancelled), the gateway cut off as
    it stopped, or a filter failed to make, tells nothing; nor does a kept connection that turned out stale, nor a 429:
    an upstream that sheds load is at work, and to be told to wait is not to be told that it is well.
    """
    status, error = attempt.status, attempt.error
    if status is not None and status >= 500:
        return "failed"
    if error is not None:
        return "failed" if error.startswith(_FAILED) and error != _OURS and not attempt.stale else "nothing"
    if status is None or status == 429:
        return "nothing"
    if status >= 400:
        return "alive"
    return "slow" if slow_call is not None and attempt.answered - attempt.sent > slow_call else "good"


class CircuitOpen(UpstreamUnreachable):
    """Nothing was sent: to what waits for the upstream to come back, it is unreachable."""

    code = "circuit_open"


def refusal(left: float) -> CircuitOpen:
    """For a circuit that is open for ``left`` more seconds, or half open and being probed."""
    return CircuitOpen(
        "The upstream has failed too often; it is left alone for now", headers={"retry-after": str(max(1, ceil(left)))}
    )


BUCKETS = 10
"""Into how many pieces a window is cut: it forgets a tenth of itself at a time."""


class Window:
    """The calls of the last ``seconds``: how many there were, how many failed, how many were slow."""

    __slots__ = ("_buckets", "_latest", "_width", "calls", "failed", "slow")

    def __init__(self, seconds: float) -> None:
        self._width = seconds / BUCKETS
        self._latest = 0
        self.clear()

    def clear(self) -> None:
        self._buckets = [[0, 0, 0] for _ in range(BUCKETS)]
        self.calls = self.failed = self.slow = 0

    def add(self, verdict: Verdict, now: float) -> None:
        self.forget(now)
        bucket = self._buckets[self._latest % BUCKETS]
        self.calls += 1
        bucket[0] += 1
        if verdict == "failed":
            self.failed += 1
            bucket[1] += 1
        elif verdict == "slow":
            self.slow += 1
            bucket[2] += 1

    def forget(self, now: float) -> None:
        """What is too old by now."""
        latest = int(now / self._width)
        for number in range(max(self._latest, latest - BUCKETS) + 1, latest + 1):
            bucket = self._buckets[number % BUCKETS]
            self.calls -= bucket[0]
            self.failed -= bucket[1]
            self.slow -= bucket[2]
            bucket[:] = (0, 0, 0)
        self._latest = latest


def trips(window: Window, config: CircuitBreakerConfig) -> str | None:
    """Which rate the calls of a window have reached, if any."""
    if window.calls < config.minimum_calls:
        return None
    if window.failed >= config.failure_rate * window.calls:
        return "failure_rate"
    return "slow_call_rate" if window.slow >= config.slow_call_rate * window.calls else None
