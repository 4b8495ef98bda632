"""What a Payguard's ledger has done so far: by its own metrics, and by its database server's CPU time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.peers import Command
from bench.process import cpu_seconds


@dataclass(frozen=True)
class Ledgered:
    """Commits and statements; ``server`` is the CPU of its database server in seconds, None where it has none."""

    commits: float
    statements: float
    server: float | None

    @classmethod
    def of(cls, command: Command) -> Self | None:
        """Since it was started; None of a peer that is no Payguard."""
        if command.admin is None:
            return None
        text = httpx.get(f"http://127.0.0.1:{command.admin}/metrics").raise_for_status().text
        found = {each.name: each.value for family in text_string_to_metric_families(text) for each in family.samples}
        spent = None if command.server is None else cpu_seconds(command.server)
        return cls(found["payguard_ledger_commits_total"], found["payguard_ledger_statements_total"], spent)

    def since(self, command: Command) -> Self | None:
        """What came since then."""
        now = self.of(command)
        if now is None:
            return None
        spent = None if now.server is None or self.server is None else now.server - self.server
        return type(self)(now.commits - self.commits, now.statements - self.statements, spent)
