"""A run: a gateway with all that it writes to, payments through it, and what was found where."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from random import Random

import httpx

from bench.leaks.backend import Backend, Collector
from bench.leaks.client import send
from bench.leaks.numbers import numbers
from bench.leaks.places import PLACES, draft
from bench.leaks.scan import Scan
from bench.peers import wait_for
from bench.process import Process
from bench.site import Configuration, free_port
from gateway.testing import serve
from tests.servers import Valkey, valkey_server

SETTLES = 3.0
"""Seconds in which what was in doubt is asked after, and spans arrive."""

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Output:
    """Something that was written: how many bytes, and the numbers in it."""

    name: str
    size: int
    found: frozenset[str]


@dataclass(frozen=True, slots=True)
class Result:
    """``places`` says where the client had put the numbers that were found."""

    statuses: Counter[int]
    spans: int
    forwarded: int
    outputs: list[Output]
    places: Counter[str]


@dataclass(frozen=True, slots=True)
class Stand:
    """What a run stands on.  ``folder`` holds all that the gateway writes, and what others were told by it."""

    folder: Path
    gateway: Process
    port: int
    admin: str
    valkey: Valkey
    collector: Collector
    backend: Backend


async def run(folder: Path, payments: int, seed: int, *, settles: float = SETTLES, canary: bool = False) -> Result:
    """``payments`` requests, each with a number of its own in another place; ``canary`` switches one masking off."""
    random = Random(seed)
    order = [place for place, _ in zip(cycle(PLACES), range(payments), strict=False)]
    known = dict(zip(numbers(random), order, strict=False))
    backend = Backend(folder / "protected")
    with ExitStack() as stack:
        stack.callback(backend.close)
        async with serve(backend) as url:
            stand = stack.enter_context(_raised(folder, url, backend, canary=canary))
            with (folder / "problems").open("wb") as problems:
                statuses = await send(_requests(known, random), stand.port, problems)
            await _ask_as_people_do(stand, [*known][:: max(1, payments // 20)])
            await asyncio.sleep(settles)
            await _pages(stand)
            stand.valkey.run("SAVE")
            outputs = [*_read(stand, Scan(known), "while it ran")]
            await asyncio.to_thread(stand.gateway.stop)
        outputs += _read(stand, Scan(known), "after it")
    places = Counter(known[number] for output in outputs for number in output.found)
    return Result(statuses, stand.collector.spans, backend.requests, outputs, places)


def _requests(known: Mapping[str, str], random: Random) -> Iterator[bytes]:
    for id, (number, place) in enumerate(known.items()):  # noqa: A001
        made = draft(id, random)
        PLACES[place](made, number)
        yield made.bytes()


@contextmanager
def _raised(folder: Path, backend_url: str, backend: Backend, *, canary: bool) -> Iterator[Stand]:
    port, admin = free_port(), free_port()
    policy = folder / "policy.yaml"
    text = Configuration((_HERE / "policy.yaml").read_text())
    policy.write_text(text.substitute(backend=backend_url.rpartition(":")[2]))
    options = ["--policy", str(policy), "--port", str(port), "--admin-port", str(admin)]
    options += ["--plugin-dir", str(_HERE / "canary")] if canary else []
    with ExitStack() as stack:
        valkey = stack.enter_context(valkey_server(folder, "--rdbcompression", "no", "--dbfilename", "redis.rdb"))
        collector = Collector(folder / "spans")
        stack.callback(collector.close)
        command = [sys.executable, "-m", "gateway", "serve", *options]
        environ = _environ(folder, valkey, collector)
        gateway = stack.enter_context(Process(command, folder / "log", environ))
        wait_for(port, gateway)
        yield Stand(folder, gateway, port, f"http://127.0.0.1:{admin}", valkey, collector, backend)


def _environ(folder: Path, valkey: Valkey, collector: Collector) -> dict[str, str]:
    """All that can be written is."""
    return {
        "PAYGUARD_DATA_DIR": str(folder / "data"),
        "ENCRYPTION_KEY": secrets.token_hex(32),
        "REDIS_URL": valkey.url,
        "LOG_LEVEL": "debug",
        "PAYGUARD_LOG_QUERY": "true",
        "PAYGUARD_TRACE_SAMPLE": "1",
        "PAYGUARD_TRUSTED_PROXIES": "127.0.0.1/32",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_BSP_MAX_QUEUE_SIZE": "50000",
    }


async def _ask_as_people_do(stand: Stand, some: Iterable[str]) -> None:
    """With numbers where people write something: as whom they look for, as why they decide."""
    async with httpx.AsyncClient(base_url=stand.admin, timeout=30) as client:
        told = [
            await client.get("/api/v1/payments", params={"state": "in_doubt", "limit": 5}),
            *[await client.get("/api/v1/payments", params={"owner": each, "key": each}) for each in some],
            *[await client.get(f"/api/v1/payments/{each}") for each in some],
            *[await client.get(f"/api/v1/{each}") for each in some],
            *[await client.post("/api/v1/blocks", json=_block(each)) for each in some],
            *[await client.post("/api/v1/blocks", json=_block(each, reason=f"says {each}")) for each in some],
            *[await client.post("/api/v1/blocks", json=_block(each) | {"by": each}) for each in some],
        ]
        for number, payment in zip(some, told[0].json()["items"], strict=False):
            said = {"state": "failed", "reason": f"the bank says {number} was refused", "by": number}
            told.append(await client.post(f"/api/v1/payments/{payment['id']}/resolve", json=said))
    (stand.folder / "answers").write_bytes(b"\n".join(each.content for each in told))


def _block(number: str, reason: str = "stolen") -> dict[str, str]:
    return {"kind": "card", "value": number, "reason": reason, "for": "15m"}


async def _pages(stand: Stand) -> None:
    """Every page of the API that lists something, and the metrics."""
    async with httpx.AsyncClient(base_url=stand.admin, timeout=60) as client:
        (stand.folder / "metrics").write_bytes((await client.get("/metrics")).content)
        with (stand.folder / "pages").open("wb") as pages:
            for path in ("/healthz", "/api/v1/policy", "/api/v1/jobs"):
                pages.write((await client.get(path)).content)
            for path in ("/api/v1/payments", "/api/v1/payments/retries", "/api/v1/blocks", "/api/v1/detections"):
                async for page in _collection(client, path):
                    pages.write(page.content + b"\n")
                    for item in page.json()["items"][:2] if path == "/api/v1/payments" else ():
                        pages.write((await client.get(f"{path}/{item['id']}")).content + b"\n")


async def _collection(client: httpx.AsyncClient, path: str) -> AsyncIterator[httpx.Response]:
    cursor: str | None = ""
    while cursor is not None:
        asked = {"limit": "500", "cursor": cursor} if path != "/api/v1/blocks" else {"cursor": cursor}
        page = await client.get(path, params={name: value for name, value in asked.items() if value})
        yield page
        cursor = page.json()["next"]


def _read(stand: Stand, scan: Scan, when: str) -> Iterator[Output]:
    """Every file of the run but those that the client was answered by the backend itself."""
    for path in sorted(path for path in stand.folder.rglob("*") if path.is_file()):
        name = path.relative_to(stand.folder).as_posix()
        yield Output(f"{name}, {when}", path.stat().st_size, frozenset(scan.file(path)))
