import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.explain import explain

ROOT = Path(__file__).parents[3]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(explain, list(arguments))


@pytest.mark.parametrize("policy", sorted((ROOT / "policies").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_policy_that_we_ship_reads_as_it_did(policy: Path) -> None:
    """Where a change is meant: payguard explain policies/NAME.yaml > tests/golden/NAME.txt"""
    result = run(str(policy))
    assert result.exit_code == 0
    assert result.output == (ROOT / "tests" / "golden" / f"{policy.stem}.txt").read_text()


def test_a_machine_reads_the_same() -> None:
    told = json.loads(run(str(ROOT / "policies" / "payments.yaml"), "--json").output)
    assert [route["name"] for route in told["routes"]] == ["create-payment", "invoices", "to-stripe", "rest"]
    assert told["routes"][0]["filters"][0]["provides"] == ["Principal"]


def test_a_policy_with_problems_is_not_explained(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("version: 1\n")
    result = run(str(tmp_path / "p.yaml"))
    assert result.exit_code == 1
    assert "upstreams: is required" in result.stderr
    assert result.stdout == ""
