"""How long ``payguard audit verify`` takes: a trail of a million entries in SQLite, and its export.

    python -m bench.audit [ENTRIES]

The trail is written straight into the file, chained and sealed as a gateway does it, by several writers.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from gateway.audit.entries import Entry, Seal, digest, genesis, linked
from gateway.audit.signing import Signer, signers
from gateway.database.maintenance import migrate
from gateway.database.opening import sqlite_url

KEY = "42" * 32
WRITERS = 10
SEALED_EVERY = 1000
POLICY = digest(b"a policy")


def chain(writer: str, count: int, signer: Signer) -> Iterator[Entry | Seal]:
    """What payments leave behind."""
    previous = genesis(writer)
    for number in range(1, count + 1):
        detail = {"operation": "payment.create", "route": "create-payment", "upstream": "backend", "amount": number}
        said = {"action": "payment.decide", "subject": f"{number:026d}", "outcome": "succeeded", "principal": "shop-1"}
        at, text = 1_700_000_000 + number / 1000, orjson.dumps({**said, "detail": detail})
        line = linked(number, previous, text, at=at, ip=f"1:{POLICY}", policy=POLICY)
        previous = digest(line)
        yield Entry(writer, number, previous, line.decode())
        if number % SEALED_EVERY == 0:
            yield signer.seal(writer, number, "seal", previous, at)
    yield signer.seal(writer, count, "end", previous, at)


def fill(path: Path, count: int) -> None:
    asyncio.run(migrate(sqlite_url(path)))
    [signer] = signers(KEY, path.parent)
    connection = sqlite3.connect(path)
    for number in range(WRITERS):
        items = list(chain(f"writer{number:020d}", count // WRITERS, signer))
        entries = [(each.writer, each.seq, each.hash, each.text) for each in items if isinstance(each, Entry)]
        connection.executemany("INSERT INTO audit VALUES (?, ?, ?, ?)", entries)
        seals = [each for each in items if isinstance(each, Seal)]
        connection.executemany("INSERT INTO audit_seals VALUES (?, ?, ?, ?, ?, ?, ?)", seals)
        connection.commit()
    connection.close()


def timed(*command: str, environ: dict[str, str]) -> tuple[float, float, str]:
    """Seconds that passed, seconds of CPU, and what it said."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    line = [sys.executable, "-m", "gateway", *command]
    done = subprocess.run(line, env=environ, capture_output=True, text=True, check=False)
    passed, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return passed, cpu, done.stdout


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, exported = Path(folder) / "payguard.db", Path(folder) / "trail.jsonl"
        environ = {**os.environ, "DATABASE_URL": sqlite_url(path), "ENCRYPTION_KEY": KEY}
        fill(path, count)
        for name, command in {
            "verify the database": ("audit", "verify", "--json"),
            "export": ("audit", "export", "--output", str(exported)),
            "verify the export": ("audit", "verify", str(exported), "--json"),
        }.items():
            passed, cpu, said = timed(*command, environ=environ)
            entries = json.loads(said)["entries"] if said else count
            print(f"{name:22} {entries:9,} entries  {passed:6.1f} s  {cpu:6.1f} s of CPU")
        print(f"{'the file':22} {path.stat().st_size / count:9.0f} bytes an entry")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
