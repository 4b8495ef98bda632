"""A process under measurement: started with a log of its own, its CPU time and memory read with its children's."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own

_STOP_SECONDS = 15.0


class Process:
    """A child and its descendants.  What it prints goes to ``log``; leaving the context stops it."""

    def __init__(self, argv: Sequence[str], log: Path, environ: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(environ or {})},
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    def rss(self) -> int:
        """Resident bytes of the whole tree."""
        return int(sum(process.memory_info().rss for process in _tree(self.pid)))

    def anonymous(self) -> int:
        """Those of them that are the process's own: pages of files, such as libraries, the kernel maps and drops."""
        read = [process.memory_info() for process in _tree(self.pid)]
        return int(sum(each.rss - each.shared for each in read))

    def settle(self, quiet: float = 0.1, most: float = 3.0) -> None:
        """Wait until it has done what it was still doing, so that it costs the next one nothing."""
        deadline = time.monotonic() + most
        before, now = -1.0, self.cpu_seconds()
        while now > before and time.monotonic() < deadline:
            time.sleep(quiet)
            before, now = now, self.cpu_seconds()

    def last_words(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def forget_log(self) -> None:
        """Empty the log.  It was opened to append, so what comes next starts at its beginning."""
        os.truncate(self.log, 0)

    def stop(self) -> int:
        """Ask it to end; after a while, make it.  Returns its exit code."""
        if self.running:
            self._popen.terminate()
        try:
            return self._popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for process in _tree(self.pid):
                process.kill()
            return self._popen.wait()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all below it, that of its children which have ended included."""
    times = [process.cpu_times() for process in _tree(pid)]
    return float(sum(t.user + t.system + t.children_user + t.children_system for t in times))


def _tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]
