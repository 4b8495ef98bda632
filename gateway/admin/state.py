"""What the admin port shows and does, whatever process provides it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from gateway.admin.access import Tokens
from gateway.control.health import Health
from gateway.control.jobs import Jobs
from gateway.control.reloader import PolicyStatus
from gateway.parts import Component
from gateway.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from gateway.control.process import Process


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

    @classmethod
    def of(cls, process: Process) -> AdminState:
        settings, draining = process.settings, process.draining

        def drain() -> float:
            draining.begin()
            return draining.remaining

        return cls(
            health=process.upkeep.health,
            jobs=process.upkeep.jobs,
            metrics=process.foundation.metrics if settings.monitoring_enabled else None,
            policy=lambda: process.reloader.status,
            drain=drain,
            components=lambda: process.active.snapshot.components,
            tokens=Tokens(_value(settings.admin_token_read), _value(settings.admin_token_operate)),
        )


def _value(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
