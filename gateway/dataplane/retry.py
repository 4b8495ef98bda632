"""Retry: how often, after how long, and never as a storm.  Whether an attempt *may* be made again is the exchange's."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """How often an upstream's request may be sent, and how soon again.

    ``attempts`` counts the first.  The pause before attempt n is drawn from 0 to ``backoff`` × 2ⁿ⁻², at most
    ``backoff_most`` seconds (full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    ``statuses`` are answers after which a request that may be resent is.  ``budget`` is the share of requests that
    may be retried.
    """

    attempts: int = 1
    backoff: float = 0.025
    backoff_most: float = 1.0
    statuses: frozenset[int] = frozenset()
    budget: float = 0.2

    def pause(self, attempt: int) -> float:
        """Seconds to wait after ``attempt`` attempts."""
        return random.uniform(0, min(self.backoff_most, self.backoff * 2 ** (attempt - 1)))  # noqa: S311 - jitter


class RetryBudget:
    """A bucket of retries for one upstream: each request puts in a share of one, each retry takes one out.

    It starts with, and never holds more than, ``reserve``: an upstream that fails every request sees at most
    1 + ``share`` times its traffic, and a quiet one may still be retried.
    """

    __slots__ = ("_level", "reserve", "share")

    def __init__(self, share: float, reserve: float | None = None) -> None:
        """``reserve`` is 10 where it is not given, and 0 with a share of 0, which asks for no retries at all."""
        reserve = (10.0 if share else 0.0) if reserve is None else reserve
        self.share = share
        self.reserve = reserve
        self._level = reserve

    def deposit(self) -> None:
        if self._level < self.reserve:
            self._level = min(self.reserve, self._level + self.share)

    def withdraw(self) -> bool:
        """Whether there was one to take."""
        if self._level < 1:
            return False
        self._level -= 1
        return True
