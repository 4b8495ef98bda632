"""How many attempts an upstream takes at once, told by the times of its answers.  Pure: times are handed in."""

from __future__ import annotations

from math import ceil, sqrt

from gateway import Attempt, GatewayError


class Overloaded(GatewayError):
    """The upstream would not answer it in time, and what it does now would take longer still.

    Not an UpstreamUnreachable: it is there, and what waits for it to come back would only add to its load.
    """

    status = 503
    code = "overloaded"


def refusal(queue: float) -> Overloaded:
    """``queue`` is the seconds that those who wait will take the upstream."""
    seconds = min(LONGEST, max(1, ceil(queue)))
    return Overloaded("The upstream has as much to do as it can", headers={"retry-after": str(seconds)})


LONGEST = 30
"""Seconds: what is said now of an overload does not hold for longer."""


LATE = 4.0
"""What an answer that never came counts at most, in times of what it may take: one that hangs among many that are
in time is no overload.  It is also what counts for an answer that says `too many`."""

_SHEDS = frozenset({429, 503})
"""The upstream's own word that it has too much to do (RFC 6585 §4, RFC 9110 §15.6.4)."""


def slowness(attempt: Attempt, allowed: float) -> float | None:
    """The time to an attempt's answer as a share of what is ``allowed``; None where it tells nothing.

    A failure that comes quickly tells nothing of load.  One that was broken off, by whomever, tells something once it
    had taken longer than allowed: clients that leave early must not hide that it is late.
    """
    if attempt.status in _SHEDS:
        return LATE
    whole = attempt.answered > 0 and (attempt.status or 500) < 500
    took = (attempt.answered or attempt.ended) - (attempt.sent or attempt.started)
    return min(LATE, took / allowed) if whole or took > allowed else None


ROUND = 0.25
"""Seconds that a round takes at least."""

SAMPLES = 10
"""Answers that a round takes at least."""


class AdaptiveLimit:
    """A number between ``least`` and ``most`` that shrinks while answers take longer than they may.

    Round by round, after Netflix's Gradient2Limit (https://github.com/Netflix/concurrency-limits): the limit is
    multiplied by allowed time / time taken, at least ½, and where that is no decrease, and at least half of it was
    used, grows by its square root.  Two things differ.  What is allowed is declared, not learned: a learned time
    follows a lasting overload up (its issue 137), or takes a slow day of a bank for one.  And it grows only in a round
    that was in time, or it would creep upwards under a steady, modest overload (its pull request 134).

    A round counts only what was sent after it began, so each shows what the one before has done.
    """

    __slots__ = ("_began", "_count", "_least", "_most", "_sum", "limit", "slowness")

    def __init__(self, least: int, most: int) -> None:
        self.limit = float(most)
        self.slowness = 0.0
        """That of the last round."""
        self._least = least
        self._most = most
        self._begin(0.0)

    def add(self, slow: float, sent: float, now: float, peak: int) -> bool:
        """Count an answer to what was ``sent`` then; ``peak`` is the most that were under way in this round.

        Whether it ended the round, and the limit may be another.
        """
        if sent < self._began:
            return False
        self._count += 1
        self._sum += slow
        if self._count < SAMPLES or now < self._began + ROUND:
            return False
        self.slowness = self._sum / self._count
        if self.slowness > 1:
            self.limit *= max(0.5, 1 / self.slowness)
        elif peak * 2 >= self.limit:
            self.limit += sqrt(self.limit)
        self.limit = min(self._most, max(self._least, self.limit))
        self._begin(now)
        return True

    def _begin(self, now: float) -> None:
        self._began = now
        self._count = 0
        self._sum = 0.0
