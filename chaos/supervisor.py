"""The upstream's supervisor: as soon as it has died, it is started again on the same port and book."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.process import Process
from bench.site import free_port
from chaos.plan import Plan
from chaos.wire import Broken, ask

_LOOK = 0.02


class Supervised:
    """The upstream, alive but for moments, within the context."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.port = free_port()
        self.book = folder / "book"
        self._log = folder / "upstream.log"
        self._command = [sys.executable, "-m", "chaos.upstream", "--port", str(self.port), "--book", str(self.book)]
        self._command += ["--seed", str(plan.seed), "--clean", str(plan.clean)]
        self._command += ["--faults", ";".join(plan.faults), "--kinds", ",".join(plan.kinds)]
        self._process: Process | None = None
        self._up = asyncio.Event()
        self._up.set()
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._start()
        while not await self._answers():  # noqa: ASYNC110 - another process is asked
            await asyncio.sleep(_LOOK)
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._process is not None:
            self._process.stop()

    async def away(self, seconds: float) -> None:
        """Killed, and not started again before so long."""
        assert self._process is not None
        self._up.clear()
        os.kill(self._process.pid, signal.SIGKILL)
        await asyncio.sleep(seconds)
        self._up.set()

    def _start(self) -> None:
        self._process = Process(self._command, self._log)

    async def _answers(self) -> bool:
        assert self._process is not None
        if not self._process.running:
            raise RuntimeError(f"the upstream does not start:\n{self._process.last_words()}")
        try:
            await ask("127.0.0.1", self.port, "GET", "/naked/v1/payments?key=")
        except Broken:
            return False
        return True

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            await self._up.wait()
            if self._process is not None and not self._process.running:
                self._start()
