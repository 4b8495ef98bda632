"""A gateway as a process of its own, and clients that press it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.testing import Backend, backend, serve

FOREIGN = (
    "PAYGUARD_",
    "DATABASE_URL",
    "DB_",
    "REDIS_URL",
    "OTEL_",
    "ENCRYPTION_KEY",
    "HASH_SALT",
    "LOG_LEVEL",
    "MONITORING_ENABLED",
)


class Gateway:
    """A running ``payguard serve``.  ``said`` are its log lines so far, by their events."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.url = self.admin = ""
        self.said: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        return self.process.pid

    async def event(self, name: str, times: int = 1) -> dict[str, Any]:
        """The first log line, said or to come, with this event; or that of its ``times``-th time."""
        async with self._news:
            while len(self.said[name]) < times:
                if self._reading.done():
                    raise EOFError(f"the gateway ended before it said {name!r}: {dict(self.said)}")
                await self._news.wait()
        return self.said[name][times - 1]

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
            line_said = json.loads(line)
            async with self._news:
                self.said[line_said["event"]].append(line_said)
                self._news.notify_all()
        async with self._news:
            self._news.notify_all()


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Of a gateway: this process's, without what would change it, and with small delays."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    own = {
        "ENCRYPTION_KEY": "11" * 32,
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
async def start(tmp_path: Path, migrated_file: Path) -> AsyncIterator[Start]:
    """Starts gateways on a database that is up to date, and ends those that a test leaves."""
    (tmp_path / "payguard-data").mkdir()
    shutil.copy(migrated_file, tmp_path / "payguard-data" / "payguard.db")
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


@asynccontextmanager
async def signing(name: str) -> AsyncIterator[str]:
    """A backend that answers everything with its name; its URL."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        length = b"%d" % len(name)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": name.encode()})

    async with serve(app) as url:
        yield url


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    while not await condition():  # noqa: ASYNC110 - another process is asked
        await asyncio.sleep(0.02)


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
            await self._news.wait_for(lambda: self.answers.get(body, 0) >= wanted)

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
