"""What the admin port shows and does, whatever process provides it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from gateway.admin.access import Tokens
from gateway.audit.protocol import UNKEPT, Auditor
from gateway.control.health import Health
from gateway.control.jobs import Jobs
from gateway.control.key_files import KeyFiles
from gateway.control.key_watch import KeyWatch
from gateway.control.reencryption import Reencryption
from gateway.control.reloader import PolicyStatus
from gateway.detections import Detections
from gateway.ledger.protocol import Ledger
from gateway.parts import Component
from gateway.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from gateway.control.process import Process


@dataclass(frozen=True, slots=True)
class Keys:
    watch: KeyWatch
    files: KeyFiles
    reencryption: Reencryption


@dataclass(frozen=True, slots=True)
class AdminState:
    """``drain`` begins draining, if nobody has, and returns for how many seconds new connections are still served.

    ``metrics`` is None where monitoring is off.  ``components`` are those of the policy in force, and
    ``routes`` the names of its routes.  ``hashes`` says what a value of a purpose may have
    been recorded as, ``mask`` takes out of a text what nobody may read, ``tell`` tells people of an
    event, and ``audit`` keeps the audit trail.  ``keys`` are those of a gateway that has a database.
    """

    health: Health
    jobs: Jobs
    metrics: Metrics | None
    policy: Callable[[], PolicyStatus]
    drain: Callable[[], float]
    components: Callable[[], Sequence[Component[Any]]]
    tokens: Tokens
    ledger: Callable[[], Ledger | None]
    routes: Callable[[], Sequence[str]]
    hashes: Callable[[str, str], Sequence[str]]
    mask: Callable[[str], str]
    tell: Callable[..., None]
    audit: Auditor = UNKEPT
    keys: Keys | None = None
    known_as: Callable[[str], str] = str
    """What the ledger calls a caller."""
    detections: Detections = field(default_factory=Detections)

    @classmethod
    def of(cls, process: Process) -> AdminState:
        settings, draining, services = process.settings, process.draining, process.foundation.services

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
            ledger=lambda: services.ledger,
            routes=lambda: [each.name for each in process.active.snapshot.routes],
            hashes=services.salts.hashes,
            mask=process.foundation.masking.text,
            tell=partial(services.events.tell, source="admin", severity="info"),
            audit=services.audit,
            keys=Keys(process.foundation.key_watch, process.foundation.key_files, process.foundation.reencryption),
            known_as=services.owners.known_as,
            detections=services.detections,
        )


def _value(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
