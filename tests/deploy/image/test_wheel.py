"""The wheel: everything that the gateway needs is in it, and nothing else."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gateway.control.settings import BUILT_IN
from gateway.database.schema import REVISIONS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [built] = folder.glob("payguard-*.whl")
    return zipfile.ZipFile(built)


def sources() -> set[str]:
    """Every file of the packages, as it lies here."""
    files = [path for name in ("gateway", "plugins") for path in (ROOT / name).rglob("*") if path.is_file()]
    return {path.relative_to(ROOT).as_posix() for path in files if path.suffix != ".pyc"}


def test_it_has_every_file_of_the_packages(wheel) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == sources()


def test_it_has_what_is_no_module_of_its_own_accord(wheel) -> None:
    names = wheel.namelist()
    assert "gateway/py.typed" in names
    migrations = [name for name in names if name.startswith("gateway/database/migrations/versions/0")]
    assert len(migrations) == len(REVISIONS)


def test_it_offers_the_command_and_the_built_in_plugins(wheel) -> None:
    [entries] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    offered = configparser.ConfigParser()
    offered.read_string(wheel.read(entries).decode())
    assert offered["console_scripts"]["payguard"] == "gateway.cli:main"
    assert set(BUILT_IN) <= set(offered["payguard.plugins"])


def test_it_brings_its_licence(wheel) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())
