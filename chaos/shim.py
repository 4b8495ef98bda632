"""The shim: does to a gateway what a machine does, from between it and the C library."""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")
SYNCED = ".synced"

_TRIAL = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1])
database.execute("PRAGMA journal_mode=WAL")
database.execute("PRAGMA synchronous=FULL")
database.execute("CREATE TABLE t (x)")
database.commit()
print(time.time())
"""

_PAGE = struct.Struct("qqq")


class NoShim(Exception):
    """What is missing on this machine to build or use it."""


class Control:
    """The page through which a running gateway's machine is changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(_PAGE.size))
        with path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), _PAGE.size)

    def _put(self, index: int, value: int) -> None:
        struct.pack_into("q", self._page, 8 * index, value)

    def _get(self, index: int) -> int:
        found: int = struct.unpack_from("q", self._page, 8 * index)[0]
        return found

    def jump(self, seconds: float) -> None:
        """The wall clock is so far ahead of this machine's, from now on."""
        self._put(0, int(seconds * 1e9))

    def hide(self, seconds: float) -> None:
        """So much time more has not passed for the clock that counts intervals, as while a machine is suspended."""
        self._put(1, self._get(1) + int(seconds * 1e9))

    def full(self, yes: bool) -> None:
        """Whether the database can write nothing more."""
        self._put(2, int(yes))


class Shim:
    """The shim, compiled.  ``tracked`` is in the names of the files of databases, and in no other's."""

    def __init__(self, folder: Path, tracked: str) -> None:
        self.tracked = tracked
        self._library = folder / "shim.so"
        compiler = shutil.which("cc") or shutil.which("gcc")
        if sys.platform != "linux" or compiler is None:
            raise NoShim("it needs Linux and a C compiler")
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(self._library), str(SOURCE), "-ldl", "-lpthread"]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode:
            raise NoShim(f"its compiler says: {built.stderr.strip().splitlines()[-1]}")
        self._try(folder)

    def environ(self, control: Control) -> Mapping[str, str]:
        return {
            "LD_PRELOAD": str(self._library),
            "CHAOS_CONTROL": str(control.path),
            "CHAOS_TRACKED": self.tracked,
        }

    def _try(self, folder: Path) -> None:
        """That this Python's own SQLite goes through it: nothing that it shows is worth anything otherwise."""
        control = Control(folder / "trial.control")
        control.jump(1e6)
        file = folder / f"trial-{self.tracked}"
        command = [sys.executable, "-c", _TRIAL, str(file)]
        environ = {**os.environ, **self.environ(control)}
        ran = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        seen = float(ran.stdout or 0)
        if ran.returncode or not Path(f"{file}{SYNCED}").exists() or seen < file.stat().st_mtime + 0.9e6:
            raise NoShim(f"this Python does not go through it: {ran.stderr.strip()[-200:]}")


def _files(folder: Path, tracked: str) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if tracked in path.name and path.is_file() and not path.name.endswith((SYNCED, "-shm")):
            yield path


def settle(folder: Path, tracked: str) -> None:
    """All that was written has reached the disk meanwhile."""
    for path in _files(folder, tracked):
        shutil.copyfile(path, f"{path}{SYNCED}")


def cut_power(folder: Path, tracked: str) -> int:
    """What had not been synced is gone; of how many files something was lost."""
    lost = 0
    for path in _files(folder, tracked):
        synced = Path(f"{path}{SYNCED}")
        kept = synced.read_bytes() if synced.exists() else b""
        lost += kept != path.read_bytes()
        path.write_bytes(kept)
    for left in folder.rglob("*-shm"):
        if tracked in left.name:
            left.unlink()
    return lost
