"""Gateways under chaos: real processes of ``payguard serve``, killed, stopped, frozen and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import orjson

from bench.process import Process
from bench.site import free_port
from chaos.shim import Control, Shim
from chaos.wire import Broken, ask

FOREIGN = ("PAYGUARD_", "DATABASE_URL", "DB_", "OTEL_", "HASH_SALT", "ENCRYPTION_KEY", "LOG_LEVEL", "MONITORING_")
"""Variables of this process that would change a gateway."""

STARTS_WITHIN = 60.0
DRAINS_WITHIN = 20.0

SETTINGS = {
    "HASH_SALT": "00" * 16,
    "ENCRYPTION_KEY": "11" * 32,
    "PAYGUARD_DRAIN_DELAY": "0s",
    "PAYGUARD_DRAIN_DEADLINE": "3s",
    "PAYGUARD_RELOAD_INTERVAL": "50ms",
    "LOG_LEVEL": "warning",
}


class NotReady(Exception):
    """A gateway that does not come up; with what it printed."""


class Gateway:
    """One gateway with ports of its own, which it keeps through all its lives.

    ``control`` is the page of its shim, where there is one.
    """

    def __init__(
        self, folder: Path, policy: Path, settings: Mapping[str, str], *, arguments: tuple[str, ...] = ()
    ) -> None:
        self.folder = folder
        self.port, self.admin = free_port(), free_port()
        self.lives = 0
        self.control: Control | None = None
        self._policy = policy
        self._arguments = arguments
        self._settings = settings
        self._process: Process | None = None

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def _log(self) -> Path:
        return self.folder.parent / f"{self.name}.log"

    def shimmed(self, shim: Shim, control: Control) -> None:
        """From its next life on."""
        self.control = control
        self._settings = {**self._settings, **shim.environ(control)}

    async def start(self) -> None:
        """Until it is ready to serve."""
        ports = ["--port", str(self.port), "--admin-port", str(self.admin)]
        command = [sys.executable, "-m", "gateway", "serve", "--policy", str(self._policy), *ports, *self._arguments]
        data = {"PAYGUARD_DATA_DIR": str(self.folder / "data")}
        self._process = Process(command, self._log, data | SETTINGS | dict(self._settings))
        self.lives += 1
        await self._ready(self._process)

    async def _ready(self, process: Process) -> None:
        try:
            async with asyncio.timeout(STARTS_WITHIN):
                while not await self._says_ready():
                    if not process.running:
                        raise NotReady(f"{self.name} ended as it started:\n{process.last_words()}")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise NotReady(f"{self.name} does not come up:\n{process.last_words()}") from None

    async def _says_ready(self) -> bool:
        try:
            return (await ask("127.0.0.1", self.admin, "GET", "/readyz", within=2.0)).status == 200
        except Broken:
            return False

    def told(self, event: str) -> set[str]:
        """The payments of which it told this event, in any of its lives; a line that a kill cut off tells nothing."""
        word, found = f'"event":"{event}"'.encode(), set()
        with self._log.open("rb") as lines:
            for line in lines:
                if word in line and line.endswith(b"}\n"):
                    found.add(str(orjson.loads(line).get("payment")))
        return found

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.running

    async def kill(self) -> None:
        """With signal 9, at whatever it is at."""
        self.signal(signal.SIGKILL)
        await self._gone()

    async def end(self) -> None:
        """As an orchestrator does: it drains, and is killed where it takes too long."""
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(DRAINS_WITHIN):
                while self.alive:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.05)
        except TimeoutError:
            await self.kill()

    async def pause(self, seconds: float, *, hidden: bool = False) -> None:
        """Stop it for so long; where ``hidden``, also the clock by which it counts intervals."""
        self.signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        if hidden and self.control is not None:
            self.control.hide(seconds)
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.running:
            os.kill(self._process.pid, number)

    async def _gone(self) -> None:
        if self._process is not None:
            await asyncio.to_thread(self._process.stop)


def without_foreign() -> None:
    """Children inherit this environment: nothing of it may change a gateway."""
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
