"""``python -m bench.ledger``: what changes and look-ups cost in a ledger of ten thousand payments, and of millions."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import structlog
import uvloop
from rich.console import Console
from rich.table import Table

from bench.figures import Spread, ratios
from bench.filling import fill_file, fill_server
from bench.machine import machine
from bench.running import console
from gateway.database.opening import open_database, sqlite_url
from gateway.database.protocol import Database
from gateway.ids import payment_id, request_id
from gateway.ledger.records import Entry, Settlement, State
from gateway.ledger.sql import SqlLedger

SMALL = 10_000
CONNECTIONS = 32
CALLS = 1_600
"""Of each step in a round."""

LOST = 20
"""Payments that a recovery scan finds: their gateway is gone."""

SCANS = 20

STEPS = {
    "reserve": "Claim and `sent`, for a new payment",
    "settle": "Its outcome, with the answer",
    "replay": "Look up a random claim",
    "recovery": f"Find and take {LOST} lost payments",
}


@dataclass(frozen=True)
class Sample:
    """Milliseconds of a step in one round, for one call: of the clock, and of CPU in this process."""

    wall: float
    cpu: float


class Ledgers:
    """Steps on a ledger; ``claims`` are some that it has."""

    def __init__(self, database: Database, claims: Sequence[bytes]) -> None:
        self._ledger = SqlLedger(database)
        self._claims = claims

    async def round(self) -> dict[str, Sample]:
        new, lost = [_entry() for _ in range(CALLS)], [_entry() for _ in range(LOST * SCANS)]
        known = Settlement(State.SUCCEEDED, "", "answered", 1, 200, secrets.token_bytes(256), b"{}")
        asked = random.choices(self._claims, k=CALLS)
        ledger = self._ledger
        samples = {
            "reserve": await _timed([lambda each=each: ledger.begin(each, 3600.0) for each in new]),
            "settle": await _timed([lambda each=each: ledger.settle(each.id, 1, known) for each in new]),
            "replay": await _timed([lambda each=each: ledger.find_claim(each) for each in asked]),
            "recovery": await self._recovery(lost),
        }
        await asyncio.gather(*(ledger.settle(each.id, 1, known) for each in lost))
        return samples

    async def _recovery(self, lost: Sequence[Entry]) -> Sample:
        found = []
        for start in range(0, len(lost), LOST):
            await asyncio.gather(*(self._ledger.begin(each, -1.0) for each in lost[start : start + LOST]))
            found.append(await _timed([self._taken]))
        return Sample(*(sum(each) / len(found) for each in zip(*((s.wall, s.cpu) for s in found), strict=True)))

    async def _taken(self) -> None:
        assert len(await self._ledger.take_due(100, 3600.0)) == LOST


async def _timed(calls: Sequence[Callable[[], Awaitable[object]]]) -> Sample:
    """On so many connections, each of which asks again once it was answered."""
    rest = iter(calls)

    async def connection() -> None:
        for call in rest:
            assert await call() not in (False, None) or len(calls) == 1

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(min(CONNECTIONS, len(calls)))))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Sample(wall / len(calls) * 1e3, cpu / len(calls) * 1e3)


def _entry() -> Entry:
    return Entry(
        *(payment_id(), "create-payment", "payment.create", "backend", request_id(), secrets.token_hex(16)),
        *("5ba1c0de" * 8, 7_776_000.0, "merchant", secrets.token_bytes(32), f"salt:{secrets.token_hex(32)}"),
        *(1999, "eur", f"salt:{random.randrange(200_000):064x}"),
    )


async def _some_claims(database: Database) -> list[bytes]:
    """Of random payments, as look-ups of claims go."""
    found = await database.read("SELECT claim FROM payments WHERE claim >= $1 ORDER BY claim LIMIT 1", b"")
    for _ in range(4 * CALLS):
        found += await database.read(
            "SELECT claim FROM payments WHERE claim >= $1 ORDER BY claim LIMIT 1", os.urandom(32)
        )
    return [bytes(row[0]) for row in found]


@asynccontextmanager
async def filled(sizes: Sequence[int], server: str | None, folder: Path | None) -> AsyncIterator[list[Ledgers]]:
    """A ledger of each size, in a folder that is gone afterwards or in databases of ``server``'s."""
    async with AsyncExitStack() as stack:
        where = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="payguard-bench-", dir=folder)))
        made = []
        for size in sizes:
            url = sqlite_url(where / f"{size}.db") if server is None else f"{server}_{size}"
            database = open_database(url)
            await database.open()
            if server is None:
                await database.close()
                await asyncio.get_running_loop().run_in_executor(None, fill_file, where / f"{size}.db", size)
                database = open_database(url)
                await database.open()
            else:
                await fill_server(url, size)
            stack.push_async_callback(database.close)
            made.append(Ledgers(database, await _some_claims(database)))
        yield made


async def measured(ledgers: Sequence[Ledgers], rounds: int) -> list[dict[str, dict[int, Sample]]]:
    """For each ledger, the samples of its steps by round; a first round warms up.  They take turns in being first."""
    samples: list[dict[str, dict[int, Sample]]] = [defaultdict(dict) for _ in ledgers]
    for number in range(-1, rounds):
        turn = number % len(ledgers)
        for place in [*range(turn, len(ledgers)), *range(turn)]:
            for step, sample in (await ledgers[place].round()).items():
                if number >= 0:
                    samples[place][step][number] = sample
    return samples


def table(samples: Sequence[dict[str, dict[int, Sample]]]) -> list[list[str]]:
    """Its lines: a step, the CPU of each ledger, and the ratios of CPU and of the clock, round by round."""
    lines = []
    for step, title in STEPS.items():
        small, large = samples[0][step], samples[-1][step]
        cells = [_shown(Spread.of([each.cpu * 1e3 for each in of[step].values()])) for of in samples]
        for name in ("cpu", "wall"):
            ratio = ratios(*({n: getattr(each, name) for n, each in of.items()} for of in (large, small)))
            assert ratio is not None
            cells.append(f"{ratio.median:.2f} ({ratio.least:.2f} - {ratio.most:.2f})")
        lines.append([title, *cells])
    return lines


def _shown(spread: Spread) -> str:
    return f"{spread.median:,.0f} ({spread.least:,.0f} - {spread.most:,.0f})"


def show(screen: Console, sizes: Sequence[int], lines: Sequence[Sequence[str]]) -> None:
    head = ["step", *(f"{size:,} payments, CPU µs" for size in sizes), "ratio of CPU", "ratio of time"]
    shown = Table(*head, title="Median (least - most) of rounds; ratios are of the same round")
    for line in lines:
        shown.add_row(*line)
    screen.print(shown)
    screen.print("| " + " | ".join(head) + " |\n|---|" + "---:|" * (len(head) - 1), soft_wrap=True, highlight=False)
    for line in lines:
        screen.print("| " + " | ".join(line) + " |", soft_wrap=True, highlight=False)


@click.command()
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(1, 100))
@click.option("--payments", default=5_000_000, show_default=True, type=click.IntRange(1), help="Of the large ledger.")
@click.option("--postgres", "server", metavar="URL", help="postgresql://…/NAME: needs databases NAME_10000 and so on.")
@click.option(
    "--folder", type=click.Path(path_type=Path, exists=True, file_okay=False), help="For the files, 1.2 KiB a payment."
)
def main(rounds: int, payments: int, server: str | None, folder: Path | None) -> None:
    """Fill a small and a large ledger, and compare what each step costs, in interleaved rounds of one run."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    screen, sizes = console(), (SMALL, payments)
    where = machine()
    screen.print(f"{where['processor']}, load average {where['load average']}, {rounds} rounds")

    async def run() -> list[list[str]]:
        began = time.perf_counter()
        async with filled(sizes, server, folder) as ledgers:
            screen.print(f"filled within {time.perf_counter() - began:,.0f} s")
            return table(await measured(ledgers, rounds))

    show(screen, sizes, uvloop.run(run()))


if __name__ == "__main__":
    main()
