"""A run: a gateway with all that it writes to, payments through it, and what was found where."""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import cycle
from pathlib import Path
from random import Random

from bench.leaks.backend import Backend, Collector
from bench.leaks.client import send
from bench.leaks.numbers import numbers
from bench.leaks.people import ask_as_people_do, read_pages
from bench.leaks.places import PLACES, draft
from bench.leaks.scan import Scan
from bench.peers import wait_for
from bench.process import Process
from bench.site import Configuration, free_port
from gateway.testing import serve
from tests.servers import Valkey, valkey_server

SETTLES = 3.0
"""Seconds in which what was in doubt is asked after, and spans arrive."""

MOST_CHARGES = 1000
"""Tokens that are revealed."""

TABLES = ("payments", "audit", "audit_seals", "decisions", "vault", "blocks", "fraud_lists", "fraud_labels")

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
    rows: Mapping[str, int]
    """Of the tables that hold what payments leave behind, and the keys of the cache in Redis."""
    revealed: int


@dataclass(frozen=True, slots=True)
class Stand:
    """What a run stands on.  ``folder`` holds all that the gateway writes, and what others were told by it."""

    folder: Path
    gateway: Process
    environ: Mapping[str, str]
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
            await send(_charges(backend.tokens[:MOST_CHARGES]), stand.port, BytesIO())
            told = await ask_as_people_do(stand.admin, [*known][:: max(1, payments // 20)])
            (folder / "answers").write_bytes(b"\n".join(told))
            await asyncio.sleep(settles)
            await read_pages(stand.admin, stand.folder)
            await asyncio.to_thread(_export, stand)
            rows = _rows(stand)
            stand.valkey.run("SAVE")
            outputs = [*_read(stand, Scan(known), "while it ran")]
            await asyncio.to_thread(stand.gateway.stop)
        outputs += _read(stand, Scan(known), "after it")
    places = Counter(known[number] for output in outputs for number in output.found)
    return Result(statuses, stand.collector.spans, backend.requests, outputs, places, rows, backend.revealed)


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
        yield Stand(folder, gateway, environ, port, f"http://127.0.0.1:{admin}", valkey, collector, backend)


def _environ(folder: Path, valkey: Valkey, collector: Collector) -> dict[str, str]:
    """All that can be written is."""
    return {
        "PAYGUARD_DATA_DIR": str(folder / "data"),
        "ENCRYPTION_KEY": secrets.token_hex(32),
        "REDIS_URL": valkey.url,
        "RISK_KEY": secrets.token_hex(32),
        "LOG_LEVEL": "debug",
        "PAYGUARD_LOG_QUERY": "true",
        "PAYGUARD_TRACE_SAMPLE": "1",
        "PAYGUARD_TRUSTED_PROXIES": "127.0.0.1/32",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "OTEL_BSP_MAX_QUEUE_SIZE": "50000",
    }


def _charges(tokens: Iterable[str]) -> Iterator[bytes]:
    """What a backend asks its processor, through the route that reveals."""
    for token in tokens:
        body = b'{"source": {"number": "%b"}}' % token.encode()
        head = "POST /processor/v1/charges HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\n"
        yield f"{head}X-User-Id: backend\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _export(stand: Stand) -> None:
    """The trail, and what is said of it, as a person takes them away.  CalledProcessError where it is not whole."""
    for name, command in {"trail.jsonl": "export", "verified": "verify"}.items():
        with (stand.folder / name).open("wb") as output:
            line = [sys.executable, "-m", "gateway", "audit", command]
            subprocess.run(line, env={**os.environ, **stand.environ}, stdout=output, check=True)


def _rows(stand: Stand) -> Mapping[str, int]:
    path = stand.folder / "data" / "payguard.db"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        rows = {table: connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in TABLES}
    return {**rows, "cache in Redis": len(stand.valkey.run("KEYS", "*cache*"))}


def _read(stand: Stand, scan: Scan, when: str) -> Iterator[Output]:
    """Every file of the run but those that the client was answered by the backend itself."""
    for path in sorted(path for path in stand.folder.rglob("*") if path.is_file()):
        name = path.relative_to(stand.folder).as_posix()
        yield Output(f"{name}, {when}", path.stat().st_size, frozenset(scan.file(path)))
