"""What the shim does to a process that writes to SQLite and looks at clocks."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chaos.shim import Control, NoShim, Shim, cut_power, settle

WRITES = """
import os, signal, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode=WAL")
database.execute(f"PRAGMA synchronous={sys.argv[2]}")
database.execute("CREATE TABLE IF NOT EXISTS t (x)")
for number in range(200):
    database.execute("INSERT INTO t VALUES (?)", ("x" * 500,))
os.kill(os.getpid(), signal.SIGKILL)
"""

CLOCKS = "import time; print(time.time(), time.monotonic())"


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Shim:
    try:
        return Shim(tmp_path_factory.mktemp("shim"), "ledger.sqlite")
    except NoShim as missing:
        pytest.skip(f"SKIPPED, AND WITH IT WHAT A POWER CUT DOES TO SQLITE: {missing}")


def run(shim: Shim, control: Control, script: str, *arguments: str) -> str:
    environ = {**os.environ, **shim.environ(control)}
    ran = subprocess.run(
        [sys.executable, "-c", script, *arguments], env=environ, capture_output=True, text=True, check=False
    )
    return ran.stdout + ran.stderr


def rows(file: Path) -> int:
    connection = sqlite3.connect(file)
    [count] = connection.execute("SELECT count(*) FROM t").fetchone()
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    return int(count)


def test_what_was_synced_outlives_a_power_cut_and_what_was_not_does_not(shim: Shim, tmp_path: Path) -> None:
    file, control = tmp_path / "ledger.sqlite", Control(tmp_path / "control")

    run(shim, control, WRITES, str(file), "FULL")
    assert cut_power(tmp_path, shim.tracked) == 0
    assert rows(file) == 200

    settle(tmp_path, shim.tracked)
    run(shim, control, WRITES, str(file), "OFF")
    assert cut_power(tmp_path, shim.tracked) > 0
    assert rows(file) == 200


def test_clocks_are_off_by_what_the_page_says(shim: Shim, tmp_path: Path) -> None:
    control = Control(tmp_path / "control")
    control.jump(-7200.0)
    control.hide(5.0)
    control.hide(5.0)

    wall, monotonic = map(float, run(shim, control, CLOCKS).split())

    assert time.time() - wall == pytest.approx(7200, abs=5)
    assert time.monotonic() - monotonic == pytest.approx(10, abs=5)


WAITS = """
import threading, time
began = time.monotonic()
time.sleep(0.05)
threading.Event().wait(0.05)
threading.Condition().acquire(timeout=1)
print(time.monotonic() - began)
"""


def test_what_waits_by_a_clock_that_is_behind_waits_as_long_as_it_says(shim: Shim, tmp_path: Path) -> None:
    control = Control(tmp_path / "control")
    control.hide(100.0)

    assert float(run(shim, control, WAITS)) >= 0.1


def test_a_full_disk_takes_no_writes_to_the_database_and_all_others(shim: Shim, tmp_path: Path) -> None:
    control = Control(tmp_path / "control")
    control.full(yes=True)

    said = run(shim, control, WRITES, str(tmp_path / "ledger.sqlite"), "FULL")

    assert "disk" in said
    assert "full" in said
