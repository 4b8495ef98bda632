"""``make sbom``: the Python packages of the image."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sbom(tmp_path_factory) -> dict:
    target = tmp_path_factory.mktemp("sbom") / "sbom.json"
    [recipe] = re.findall(r"-m (cyclonedx_py .*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    arguments = recipe.replace("dist/sbom.json", str(target)).split()
    subprocess.run([sys.executable, "-W", "ignore", "-m", *arguments], cwd=ROOT, check=True, capture_output=True)
    return json.loads(target.read_text())


def test_it_names_every_locked_package_with_its_version(sbom) -> None:
    lock = (ROOT / "requirements" / "run.txt").read_text()
    locked = set(re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", lock, re.MULTILINE))
    assert len(locked) > 30
    assert {(each["name"], each["version"]) for each in sbom["components"]} == locked


def test_it_says_whose_it_is(sbom) -> None:
    described = sbom["metadata"]["component"]
    assert (described["name"], described["licenses"][0]["license"]["id"]) == ("payguard", "Apache-2.0")
    assert sbom["bomFormat"] == "CycloneDX"
