"""A gateway as a process of its own, and clients that press it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.testing import Backend, backend

FOREIGN = ("PAYGUARD_", "DATABASE_URL", "DB_", "OTEL_", "HASH_SALT", "LOG_LEVEL", "MONITORING_ENABLED")


class Gateway:
    """A running ``payguard serve``.  ``events`` are its log lines so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.url = self.admin = ""
        self.events: list[dict[str, Any]] = []
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        return self.process.pid

    async def event(self, name: str, **fields: Any) -> dict[str, Any]:
        """The first log line, said or to come, with this event and these fields."""
        wanted = {"event": name, **fields}
        async with self._news:
            while True:
                for said in self.events:
                    if wanted.items() <= said.items():
                        return said
                if self._reading.done():
                    raise EOFError(f"the gateway ended without saying {wanted}: {self.events}")
                await self._news.wait()

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        """Its exit code."""
        await self._reading
        return await self.process.wait()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._news:
                self.events.append(json.loads(line))
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Of a gateway: this process's, without what would change it, and with small delays."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    own = {
        "HASH_SALT": "00" * 16,
        "PAYGUARD_DATA_DIR": str(folder / "payguard-data"),
        "PAYGUARD_DRAIN_DELAY": "0s",
        "PAYGUARD_RELOAD_INTERVAL": "10ms",
    }
    return inherited | own | settings


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gateway", *arguments]


Start = Callable[..., Any]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts gateways, and ends those that a test leaves."""
    async with AsyncExitStack() as stack:

        async def begin(policy: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> Gateway:
            ports = ["--port", "0", "--admin-port", "0"]
            process = await asyncio.create_subprocess_exec(
                *command("serve", "--policy", str(policy), *ports, *arguments),
                stdout=asyncio.subprocess.PIPE,
                env=environment(tmp_path, **(settings or {})),
                limit=1 << 20,
            )
            gateway = Gateway(process)
            stack.push_async_callback(_end, gateway)
            listening = await gateway.event("listening")
            gateway.url, gateway.admin = listening["data"], listening["admin"]
            return gateway

        yield begin


async def _end(gateway: Gateway) -> None:
    if gateway.process.returncode is None:
        gateway.process.kill()
    await gateway.ended()


@pytest.fixture
async def upstream() -> AsyncIterator[Backend]:
    async with backend() as made:
        yield made


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as made:
        yield made


def pass_through(url: str, remark: str = "") -> str:
    """A policy that sends everything to ``url``."""
    return f"""\
# {remark}
version: 1
upstreams:
  backend: {{url: "{url}"}}
routes:
  - {{name: everything, match: {{path: "/{{rest:path}}"}}, upstream: backend}}
"""


class Load:
    """Clients that ask one after another on kept connections.

    ``answers`` counts them by body; ``lost`` are requests that were taken and not answered well.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.answers: dict[str, int] = {}
        self.lost: list[str] = []
        self.stop = False
        self._news = asyncio.Condition()

    async def answered(self, body: str, times: int = 1) -> None:
        """Until the load has had that many more answers with this body."""
        wanted = self.answers.get(body, 0) + times
        async with self._news:
            await self._news.wait_for(lambda: self.answers.get(body, 0) >= wanted or self.lost)

    async def press(self) -> None:
        """Until it is stopped, or the port is closed."""
        async with httpx.AsyncClient(base_url=self._url, trust_env=False, timeout=30) as client:
            while not self.stop:
                try:
                    answer = await client.post("/v1/payments", json={"amount": 1})
                except httpx.ConnectError:
                    return  # nobody took it
                except httpx.HTTPError as error:
                    self.lost.append(repr(error))
                else:
                    if answer.status_code != 200:
                        self.lost.append(f"{answer.status_code} {answer.text}")
                    self.answers[answer.text] = self.answers.get(answer.text, 0) + 1
                async with self._news:
                    self._news.notify_all()


@asynccontextmanager
async def pressing(url: str, clients: int = 8) -> AsyncIterator[Load]:
    """Some clients press ``url``; they end with the block."""
    load = Load(url)
    tasks = [asyncio.create_task(load.press()) for _ in range(clients)]
    try:
        yield load
    finally:
        load.stop = True
        await asyncio.gather(*tasks)
