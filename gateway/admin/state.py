"""What the admin port shows and does, whatever process provides it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.admin.access import Tokens
from gateway.control.health import Health
from gateway.control.jobs import Jobs
from gateway.control.reloader import PolicyStatus
from gateway.parts import Component
from gateway.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class AdminState:
    """``drain`` begins draining, if nobody has, and returns for how many seconds new connections are still served.

    ``metrics`` is None where monitoring is off.  ``components`` are those of the policy in force.
    """

    health: Health
    jobs: Jobs
    metrics: Metrics | None
    policy: Callable[[], PolicyStatus]
    drain: Callable[[], float]
    components: Callable[[], Sequence[Component[Any]]]
    tokens: Tokens
