"""``payguard payments approve`` and ``reject`` against an admin port over a real ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.payments import payments
from tests.gateway.admin.test_reviews import held
from tests.gateway.cli.serving import Serving, serving


@pytest.fixture
def port(sqlite_path: Path) -> Iterator[Serving]:
    with serving(sqlite_path) as server:
        yield server


def run(port: Serving, *arguments: str) -> Result:
    return CliRunner().invoke(payments, [*arguments, "--admin", port.url])


def test_a_reviewer_approves_one_and_rejects_another(port: Serving) -> None:
    one, other = port.do(held).id, port.do(held).id
    shown = run(port, "show", one)
    approved = run(port, "approve", one, "--reason", "a known customer", "--by", "ann")
    rejected = run(port, "reject", other, "--reason", "stolen card", "--by", "ann", "--json")
    twice = run(port, "approve", other, "--reason", "changed my mind", "--by", "ann")

    assert f"payguard payments approve|reject {one}" in shown.output
    assert (approved.exit_code, approved.output) == (0, f"{one}: accepted, by human:ann via loopback\n")
    assert json.loads(rejected.output)["state"] == "failed"
    assert twice.exit_code == 1
    assert "waits for no reviewer" in twice.stderr


def test_what_is_no_id_is_not_asked_for(port: Serving) -> None:
    assert "is no id" in run(port, "reject", "a/b", "--reason", "stolen").stderr
