"""The core component ``audit``: for how long the audit trail is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol, cast

from pydantic import Field

from gateway.audit.protocol import Auditor
from gateway.parts import Component, Config, Job, Scope
from gateway.units import Duration

PRUNED = 3600.0
"""Seconds between two looks for what is old."""


class AuditConfig(Config):
    """How long entries are kept."""

    keep: Annotated[Duration, Field(ge=3600)] = 400 * 86400.0
    """How long an entry is kept at least: PCI DSS 4.0.1 asks for twelve months (10.5.1)."""


class AuditScope(Scope, Protocol):
    """What the core lends to its own parts besides."""

    @property
    def auditor(self) -> Auditor: ...


class Audit(Component[AuditConfig]):
    """Removes what is old from the trail, chain by chain from its beginning, and leaves a seal in its place."""

    name = "audit"
    Config = AuditConfig

    def __init__(self, config: AuditConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self._scope = cast("AuditScope", scope)

    def jobs(self) -> Sequence[Job]:
        return (Job("prune", self.prune, PRUNED),)

    async def prune(self) -> None:
        await self._scope.auditor.prune(self.config.keep)
