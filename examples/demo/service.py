"""A child process: started, waited for until it is ready, and stopped whatever happens."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

STOPPED_WITHIN = 10.0


class ServiceFailedError(Exception):
    """A service ended, or did not become ready in time; says what it last wrote."""


class Service:
    """A program on a port of 127.0.0.1; ready once ``probe`` answers 200.

    It does not share our terminal's signals: Ctrl-C ends the demo, and the demo ends its services.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        probe: str,
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        ready_within: float = 30.0,
    ) -> None:
        self.name = name
        self._command = list(command)
        self.probe = probe
        self.log = log
        self._environment = environment or {}
        self._ready_within = ready_within
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Returns once it is ready; ServiceFailedError where that takes too long."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | self._environment,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self._ready_within
        while not self._is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise ServiceFailedError(f"{self.name} was not ready within {self._ready_within:g} s\n{self.tail()}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(self.probe, timeout=2, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def check(self) -> None:
        """ServiceFailedError where it has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise ServiceFailedError(f"{self.name} ended with exit code {self._process.returncode}\n{self.tail()}")

    def tail(self, lines: int = 15) -> str:
        """The last lines that it wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            pass
        finally:
            process.kill()
            process.wait()
