"""``payguard serve``: what it takes and what it says; ``tests/process`` runs it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from gateway.cli.serve import serve


@pytest.fixture
def runner(monkeypatch) -> CliRunner:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return CliRunner()


def test_a_policy_is_needed(runner) -> None:
    result = runner.invoke(serve)
    assert result.exit_code == 2
    assert "Missing option '--policy'" in result.stderr


def test_every_setting_that_is_wrong_is_a_line_on_stderr_and_the_code_is_2(runner) -> None:
    result = runner.invoke(serve, ["--policy", "p.yaml", "--port", "70000"], env={"PAYGUARD_DRAIN_DELAY": "5"})
    assert result.exit_code == 2
    assert result.stdout == ""
    said = result.stderr.splitlines()
    assert sorted(line.partition(":")[0] for line in said) == ["PAYGUARD_DRAIN_DELAY", "PAYGUARD_PORT"]


def test_help_tells_the_exit_codes(runner) -> None:
    assert "2 where it cannot start" in " ".join(runner.invoke(serve, ["--help"]).stdout.split())
