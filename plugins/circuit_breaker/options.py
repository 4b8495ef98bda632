"""The options of ``circuit_breaker``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway import Config, Duration

Share = Annotated[float, Field(gt=0, le=1)]
Some = Annotated[Duration, Field(gt=0)]


class CircuitBreakerConfig(Config):
    failure_rate: Share = 0.5
    """The share of failures among the calls of `window` at which it opens.  A failure is a 5xx, or no answer."""

    slow_call: Some | None = None
    """How long the upstream may take from the request to the head of its answer; what takes longer is slow.  Unset,
    nothing is."""

    slow_call_rate: Share = 0.5
    """The share of slow answers at which it opens."""

    minimum_calls: Annotated[int, Field(ge=1)] = 20
    """How many calls of `window` are needed before a share of them means anything."""

    window: Some = 60.0
    """How far back calls count."""

    open_for: Some = 30.0
    """How long an open one refuses everything, before it lets a probe through."""

    probes: Annotated[int, Field(ge=1, le=100)] = 1
    """How many probes, one after another, must succeed before it closes."""

    share: bool = False
    """Whether gateways that have one `REDIS_URL` tell each other, once a second, that it opened or closed."""

    per: Literal["operation", "upstream"] = "operation"
    """Whether each operation of the upstream has a breaker of its own.  Routes without a payment share one."""
