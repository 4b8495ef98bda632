"""``python -m bench.protection``: what it costs to keep the card of a 600-byte payment from the backend."""

from __future__ import annotations

import asyncio
import gc
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import process_time

import click
import uvloop
from rich.table import Table

from bench.running import console
from bench.steps import exchange
from gateway import Exchange
from gateway.database.opening import open_database, sqlite_url
from gateway.testing import HandScope
from plugins.encrypt.filter import EncryptFilter
from plugins.encrypt.options import EncryptConfig
from plugins.tokenise.filter import TokeniseFilter
from plugins.tokenise.options import TokeniseConfig, VaultConfig
from plugins.tokenise.vault import Vault

CARD = {"fields": ["/card/number"]}

Step = Callable[[Exchange], Awaitable[object]]


async def nothing(_: Exchange) -> None:
    """What making an exchange costs by itself."""


async def rewritten(made: Exchange) -> None:
    """JSON read and written anew, as by every filter that changes a body."""
    made.request.edit("", made.request.json())


@asynccontextmanager
async def steps() -> AsyncIterator[dict[str, Step]]:
    """Each on a body of its own; the vault has seen the card."""
    with tempfile.TemporaryDirectory(prefix="payguard-bench-") as folder:
        database = open_database(sqlite_url(Path(folder) / "payguard.db"))
        await database.open()
        lent = HandScope(tables=database)
        lent.components = [Vault(VaultConfig.model_validate({"known_for": "1h"}), lent)]
        encrypt = EncryptFilter(EncryptConfig.model_validate(CARD), lent)
        tokenise = TokeniseFilter(TokeniseConfig.model_validate(CARD), lent)
        for each in (encrypt, tokenise):
            await each.open()
        await tokenise.on_request(exchange())
        try:
            yield {
                "nothing": nothing,
                "JSON read and written anew": rewritten,
                "one field encrypted": encrypt.on_request,
                "one known card tokenised": tokenise.on_request,
            }
        finally:
            await database.close()


async def cost(step: Step, count: int) -> float:
    """CPU microseconds of one, with the body that it leaves."""
    gc.collect()
    began = process_time()
    for _ in range(count):
        made = exchange()
        await step(made)
        _ = made.request.body
    return (process_time() - began) / count * 1e6


async def measure(rounds: int, count: int) -> dict[str, list[float]]:
    """In interleaved rounds: what each costs beyond making an exchange."""
    found: dict[str, list[float]] = {}
    async with steps() as all_:
        for number in range(rounds + 1):
            costs = {name: await cost(step, count if number else count // 10 + 40) for name, step in all_.items()}
            if number:
                for name in costs.keys() - {"nothing"}:
                    found.setdefault(name, []).append(costs[name] - costs["nothing"])
    return found


@click.command()
@click.option("--count", default=4000, show_default=True, type=click.IntRange(100))
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(1))
def main(*, count: int, rounds: int) -> None:
    """Measure them beside each other; the first round warms up."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measure(rounds, count))
    table = Table(title=f"CPU µs, {rounds} rounds of {count:,}", title_justify="left")
    table.add_column("step")
    for name in ("median", "least", "most"):
        table.add_column(name, justify="right")
    for name, costs in sorted(found.items(), key=lambda each: statistics.median(each[1])):
        table.add_row(name, *(f"{each:.1f}" for each in (statistics.median(costs), min(costs), max(costs))))
    console().print(table)


if __name__ == "__main__":
    main()
