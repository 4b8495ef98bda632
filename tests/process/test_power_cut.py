"""A power cut at any instant: what is committed before a payment's first byte is on the disk by then.

The gateway runs under strace, which sees each write to the database, each sync of it, and the upstream's first byte.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
import pytest

from gateway.testing import Backend
from tests.process.conftest import Gateway, command, environment

TRACED = "pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync"
MUTANTS = Path(__file__).parents[2] / "chaos" / "mutation"

_CALL = re.compile(r"(?P<pid>\d+) +(?P<name>\w+)\((?P<said>.*)")
_ENDS = re.compile(r"(?P<pid>\d+) +<\.\.\. \w+ resumed>")


class Call(NamedTuple):
    """A system call; ``began`` and ``ended`` are lines of the trace."""

    name: str
    said: str
    began: int
    ended: int


def calls(trace: str) -> list[Call]:
    found: list[Call] = []
    under_way: dict[str, int] = {}
    for line, text in enumerate(trace.splitlines()):
        if ends := _ENDS.match(text):
            place = under_way.pop(ends["pid"])
            found[place] = found[place]._replace(ended=line)
        elif call := _CALL.match(text):
            if text.endswith("<unfinished ...>"):
                under_way[call["pid"]] = len(found)
            found.append(Call(call["name"], call["said"], line, line))
    return found


def is_synced(write: Call, by: int, syncs: list[Call]) -> bool:
    return any(write.ended < sync.began and sync.ended < by for sync in syncs)


def unsynced_at_the_first_byte(trace: str) -> tuple[int, int]:
    """Of how many writes to the write-ahead log before the upstream's first byte how many were not synced by then."""
    made = calls(trace)
    first_byte = next(call.began for call in made if "POST /v1/payments" in call.said)
    log = [call for call in made if "-wal>" in call.said]
    writes = [call for call in log if call.name == "pwrite64" and call.began < first_byte]
    syncs = [call for call in log if call.name in ("fsync", "fdatasync")]
    return len(writes), sum(not is_synced(write, first_byte, syncs) for write in writes)


def test_a_write_is_synced_by_a_sync_that_began_after_it_and_ended_in_time() -> None:
    trace = """\
1 pwrite64(7</db-wal>, "a", 1, 0) = 1
1 fdatasync(7</db-wal> <unfinished ...>
2 pwrite64(7</db-wal>, "b", 1, 1) = 1
1 <... fdatasync resumed>) = 0
2 write(9<TCP:[1->2]>, "POST /v1/payments HTTP/1.1", 26) = 26
1 fdatasync(7</db-wal>) = 0
"""

    assert unsynced_at_the_first_byte(trace) == (2, 1)


@pytest.fixture
def policy(tmp_path: Path, upstream: Backend) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(f"""\
version: 1
upstreams:
  backend: {{url: "{upstream.url}"}}
routes:
  - name: create-payment
    match: {{methods: [POST], path: /v1/payments}}
    upstream: backend
    payment: {{operation: payment.create, amount: /amount, currency: /currency}}
    filters:
      - principal: {{header: x-user-id, from: any}}
      - idempotency
""")
    return path


@asynccontextmanager
async def traced(policy: Path, folder: Path, *arguments: str, **settings: str) -> AsyncIterator[Gateway]:
    """A gateway on SQLite under strace, which has written everything down when this is left."""
    strace = ["strace", "-f", "--seccomp-bpf", "-y", "-s", "48", "-e", f"trace={TRACED}", "-o", str(folder / "trace")]
    serve = command("serve", "--policy", str(policy), "--port", "0", "--admin-port", "0", *arguments)
    settings["DATABASE_URL"] = f"sqlite:///{folder / 'ledger.sqlite3'}"
    process = await asyncio.create_subprocess_exec(
        *strace, *serve, stdout=asyncio.subprocess.PIPE, env=environment(folder, **settings), limit=1 << 20
    )
    gateway = Gateway(process)
    try:
        gateway.url = (await gateway.event("listening"))["data"]
        yield gateway
    finally:
        with suppress(psutil.NoSuchProcess):  # strace lets go of what it traces, and ends with it
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        await gateway.ended()


def can_trace() -> bool:
    return shutil.which("strace") is not None


needs_strace = pytest.mark.skipif(
    not can_trace(), reason="NO STRACE: NOBODY HAS SEEN THAT `sent` IS ON THE DISK BEFORE THE FIRST BYTE"
)


async def pay(gateway: Gateway, upstream: Backend, folder: Path) -> str:
    """The state that the ledger's file has while the upstream has the request and has not answered."""
    answered = asyncio.Event()
    upstream.will_answer(201, json={"id": 1}, after=answered)
    headers = {"X-User-Id": "ada", "Idempotency-Key": "one"}
    async with httpx.AsyncClient(base_url=gateway.url, trust_env=False, timeout=30) as client:
        paying = asyncio.create_task(
            client.post("/v1/payments", json={"amount": 100, "currency": "eur"}, headers=headers)
        )
        await upstream.asked()
        connection = sqlite3.connect(folder / "ledger.sqlite3")
        [(state,)] = connection.execute("SELECT state FROM payments").fetchall()
        connection.close()
        answered.set()
        assert (await paying).status_code == 201
    return str(state)


@needs_strace
async def test_that_it_is_sent_is_on_the_disk_before_the_upstream_has_the_first_byte(
    policy: Path, upstream: Backend, tmp_path: Path
) -> None:
    async with traced(policy, tmp_path) as gateway:
        state = await pay(gateway, upstream, tmp_path)

    writes, unsynced = unsynced_at_the_first_byte((tmp_path / "trace").read_text())
    assert state == "sent"
    assert writes > 0
    assert unsynced == 0


@needs_strace
async def test_a_gateway_that_does_not_sync_is_noticed(policy: Path, upstream: Backend, tmp_path: Path) -> None:
    async with traced(policy, tmp_path, "--plugin-dir", str(MUTANTS), CHAOS_MUTANT="no_fsync") as gateway:
        state = await pay(gateway, upstream, tmp_path)

    _, unsynced = unsynced_at_the_first_byte((tmp_path / "trace").read_text())
    assert state == "sent"
    assert unsynced > 0
