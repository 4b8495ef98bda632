"""The component ``audit``: what is old is pruned, by the options of the policy."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from pydantic import ValidationError

from gateway.audit.protocol import Unkept
from gateway.control.auditing import Audit, AuditConfig
from gateway.parts import Scope


class Kept(Unkept):
    def __init__(self) -> None:
        self.pruned: list[float] = []

    async def prune(self, keep: float) -> None:
        self.pruned.append(keep)


async def test_its_job_removes_what_is_older_than_the_policy_says() -> None:
    kept = Kept()
    component = Audit(AuditConfig(keep="30d"), cast("Scope", SimpleNamespace(auditor=kept)))
    [job] = component.jobs()
    await job.run()

    assert (job.name, kept.pruned) == ("prune", [30 * 86400.0])


def test_an_entry_is_kept_for_an_hour_at_least() -> None:
    assert AuditConfig().keep == 400 * 86400.0
    with pytest.raises(ValidationError):
        AuditConfig(keep="59m")
