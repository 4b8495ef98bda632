"""README.md: what it shows works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import BUILT_IN
from gateway.control.settings import variables

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
RULE = "- our_currencies: {currencies: [eur, usd]}"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def payguard(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PAYGUARD_PLUGIN_DIRS": str(folder / "ours")}
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with the first policy and the first plugin as a reader would have copied them."""
    [policy], [plugin] = blocks("yaml"), blocks("python")
    (tmp_path / "first.yaml").write_text(policy)
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "our_currencies.py").write_text(plugin)
    return tmp_path


def test_the_first_policy_passes_check(workplace):
    checked = payguard("check", "first.yaml", folder=workplace)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_first_plugin_can_be_used_by_the_first_policy(workplace):
    assert RULE in README
    policy = workplace / "first.yaml"
    policy.write_text(policy.read_text().replace("      - require_json\n", f"      - require_json\n      {RULE}\n"))
    explained = payguard("explain", "first.yaml", folder=workplace)
    assert explained.returncode == 0, explained.stdout + explained.stderr
    assert "our_currencies" in explained.stdout


def test_every_command_it_names_exists():
    named = set(re.findall(r"payguard ([a-z]+)", README))
    assert named
    assert named <= set(BUILT_IN)


def test_every_make_target_it_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = README + (ROOT / "CONTRIBUTING.md").read_text()
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)) <= targets


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_setting_it_names_is_one():
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", README))
    assert named <= set(variables())
