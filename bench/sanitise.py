"""``python -m bench.sanitise``: CPU of the filter alone, per call, in interleaved rounds; and the worst 64 KiB."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import statistics
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import process_time

import click
from rich.table import Table

from bench.running import console
from bench.workload import GET, POST, Workload
from gateway import Exchange, Rejected
from gateway.testing import exchange, scope
from plugins.sanitise.filter import SanitiseFilter
from plugins.sanitise.options import SanitiseConfig

LARGE = 64 << 10

_BROWSER = (
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "en-GB,en;q=0.9,de;q=0.7"),
    ("Cookie", "_ga=GA1.2.1234567890.1700000000; session=8d1f0c5e2b7a4d63; theme=dark"),
    ("Sec-CH-UA", '"Chromium";v="124", "Google Chrome";v="124", "Not-A.Brand";v="99"'),
    ("Referer", "https://shop.example/checkout?step=2"),
)


def asked(workload: Workload, name: str = "Ada Lovelace", headers: tuple[tuple[str, str], ...] = ()) -> Exchange:
    """The workload's request as it reaches the filter below ``require_json``: its body parsed."""
    body = workload.body.replace(b"Ada Lovelace", json.dumps(name)[1:-1].encode())
    made = exchange(workload.method, workload.path, headers=[*workload.headers, *headers], body=body)
    if body:
        made.request.json()
    return made


def large(
    piece: str, kind: str = "application/json", before: str = "[", behind: str = "]", join: str = ","
) -> Exchange:
    """A body of 64 KiB made of one piece; ``#`` in it is a number, another one each time."""
    pieces, size = [], 0
    while size < LARGE - 20:
        pieces.append(piece.replace("#", str(len(pieces))))
        size += len(pieces[-1]) + len(join)
    body = f"{before}{join.join(pieces)}{behind}".encode()
    return exchange(headers={"content-type": kind, "user-agent": "bench"}, body=body)


_HALVES = (
    "a' or ",
    "and 1=1 ",
    "union select ",
    "<a b=",
    "onx=",
    "javascript:",
    "%27",
    "&apos;",
    "${",
    "$(",
    "../",
    "; ls ",
    "||''",
    "this.",
)


def riddles() -> str:
    """Halves of attacks, in another order each time: what an automaton has not seen."""
    return "".join(random.choices(_HALVES, k=LARGE // 6))[: LARGE - 99]


CASES: Mapping[str, Callable[[], Exchange]] = {
    "POST 600 bytes": lambda: asked(POST),
    "GET": lambda: asked(GET),
    "POST, a browser's headers": lambda: asked(POST, headers=_BROWSER),
    "POST, O'Brien": lambda: asked(POST, "Ada O'Brien"),
    "POST, Zoë Müller as UTF-8": lambda: asked(POST, "Zoë Müller"),
    "POST, an attack": lambda: asked(POST, "x' OR 1=1-- "),
    "POST, an attack encoded twice": lambda: asked(POST, "x%2527%2520OR%25201%253D1--%2520"),
}

WORST: Mapping[str, Callable[[], Exchange]] = {
    "64 KiB of keys": lambda: large('"a longer key#":1', before="{", behind="}"),
    "64 KiB of numbers": lambda: large("1234567890.12345"),
    "64 KiB of short texts": lambda: large('"a longer text#"'),
    "64 KiB of quoted texts": lambda: large('"a longer one\'s#"'),
    "64 KiB of tags": lambda: large('"a longer <b c#"'),
    "64 KiB of little riddles": lambda: large('"%27 or %3ca b=#"'),
    "64 KiB of riddles": lambda: large('"' + "1' and 'a <b x=" * 32 + '#"'),
    "64 KiB of one riddle": lambda: large("../ ;ls $( {{ a", before='["', behind='"]', join=""),
    "64 KiB of many riddles": lambda: large(riddles(), before='["', behind='"]', join=""),
    "64 KiB of nesting": lambda: large("[", join="", before="", behind=""),
    "64 KiB of one quoted text": lambda: large("a' ", before='["', behind='"]', join=""),
    "64 KiB of one text of tags": lambda: large("<a b=", before='["', behind='"]', join=""),
    "64 KiB of percent signs": lambda: large("%2525", before='["', behind='"]', join=""),
    "64 KiB of form fields": lambda: large("afield#=avalue'#", "application/x-www-form-urlencoded", "", "", "&"),
    "64 KiB of XML": lambda: large("<element attribute='number #'/>", "application/xml", "<r>", "</r>", ""),
    "32 KiB of cookies": lambda: exchange("GET", headers={"cookie": "; ".join(f"c{n}=a'{n}" for n in range(2600))}),
    "8 KiB of query": lambda: exchange("GET", query="&".join(f"q{number}=%27" for number in range(800))),
}


async def measure(step: SanitiseFilter, make: Callable[[], Exchange], count: int) -> float:
    """CPU microseconds of one call."""
    made = [make() for _ in range(count)]
    gc.collect()
    began = process_time()
    for each in made:
        with suppress(Rejected):
            await step.on_request(each)
    return (process_time() - began) / count * 1e6


async def compare(cases: Mapping[str, Callable[[], Exchange]], count: int, rounds: int) -> dict[str, list[float]]:
    """Each case once per round."""
    step = SanitiseFilter(SanitiseConfig(), scope())
    await step.open()
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, make in cases.items():
            found[name].append(await measure(step, make, count))
    return found


@click.command()
@click.option("--count", default=500, show_default=True, type=click.IntRange(10), help="Calls per case and round.")
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(1))
def main(*, count: int, rounds: int) -> None:
    """Measure the filter: the least of the rounds is the call, the rest is what else the machine did."""
    table = Table(title=f"CPU µs per call, {rounds} rounds", title_justify="left")
    table.add_column("request")
    table.add_column("least", justify="right")
    table.add_column("median", justify="right")
    for cases, calls in ((CASES, count), (WORST, 1 + count // 100)):
        for name, spent in asyncio.run(compare(cases, calls, rounds)).items():
            table.add_row(name, f"{min(spent):,.1f}", f"{statistics.median(spent):,.1f}")
        table.add_section()
    console().print(table)


if __name__ == "__main__":
    main()
