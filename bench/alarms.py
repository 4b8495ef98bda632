"""``python -m bench.alarms``: how often what is no card is masked as one."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from random import Random

import click
from rich.table import Column, Table

from bench.running import console
from gateway.telemetry.masking import Masking

Make = Callable[[Random], str]


def _digits(random: Random, count: int) -> str:
    return str(random.randrange(10 ** (count - 1), 10**count))


def _order(random: Random) -> str:
    year, number = random.randrange(2020, 2031), random.randrange(10**7)
    shapes = ("{y}-{n:07}", "ORD-{y}-{n}", "order_{n:010}", "#{n}", "{y}/{n:06}-{k}", "INV{y}{n:08}", "{n:012}")
    return random.choice(shapes).format(y=year, n=number, k=random.randrange(100))


def _phone(random: Random) -> str:
    country = random.choice(["49", "1", "44", "33", "39", "34", "91", "52", "55", "62", "86"])
    area, rest = _digits(random, 3), _digits(random, random.randrange(6, 9))
    shapes = ("+{c}{a}{r}", "+{c} {a} {r}", "+{c} ({a}) {h}-{t}", "0{a}/{r}", "0{a} {h} {t}", "00{c}{a}{r}")
    return random.choice(shapes).format(c=country, a=area, r=rest, h=rest[:3], t=rest[3:])


def _moment(random: Random) -> str:
    seconds, nanos = random.randrange(1_000_000_000, 2_000_000_000), random.randrange(10**9)
    made = time.gmtime(seconds)
    written = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y%m%d%H%M%S", "%d.%m.%Y %H:%M", "%Y%m%d-%H%M%S"]
    counted = [f"{seconds}", f"{seconds}{nanos // 10**6:03}", f"{seconds}{nanos // 1000:06}", f"{seconds}{nanos:09}"]
    exact = [f"{seconds}.{nanos:09}", f"{time.strftime('%Y-%m-%dT%H:%M:%S', made)}.{nanos:09}+02:00"]
    return random.choice([*(time.strftime(each, made) for each in written), *counted, *exact])


def _other_length(random: Random) -> str:
    return _digits(random, random.choice([*range(4, 13), *range(20, 33)]))


def _identifier(random: Random) -> str:
    number = random.getrandbits(128)
    written = [f"a{number:031x}", f"pi_{number:x}", f"{number >> 64:x}f"]
    return random.choice([str(uuid.UUID(int=number, version=4)), *written])


def _amount(random: Random) -> str:
    return f"{random.randrange(10**8) / 100:,.2f} EUR of {random.randrange(10**6)}"


CLASSES: Mapping[str, Make] = {
    "order numbers": _order,
    "telephone numbers": _phone,
    "timestamps": _moment,
    "ids of 4 to 12 and 20 to 32 digits": _other_length,
    "UUIDs, digests and ids with letters": _identifier,
    "amounts": _amount,
}

BY_CHANCE: Mapping[str, Make] = {
    f"ids of {count} random digits": (lambda random, count=count: _digits(random, count)) for count in range(13, 20)
}


def alarms(make: Make, count: int, random: Random, masking: Masking, *, field: str = "order") -> int:
    """Of so many values how many are changed, each as a field of a document and within a text."""
    found = 0
    for _ in range(count):
        value = make(random)
        text = f"{field}: {value}, accepted"
        found += masking.document({field: value}) != {field: value} or masking.text(text) != text
    return found


@click.command()
@click.option("--count", default=100_000, show_default=True, type=click.IntRange(1), help="Of each class.")
@click.option("--seed", default=1, show_default=True)
def main(count: int, seed: int) -> None:
    """Mask what is no card: numbers that must stay, and ids as long as a card, some of which look like one."""
    random, masking, sparing = Random(seed), Masking(), Masking(spared=["order"])
    table = Table(Column("what"), Column("values", justify="right"), Column("masked", justify="right"), Column("share"))
    for what, make in {**CLASSES, **BY_CHANCE}.items():
        found = alarms(make, count, random, masking)
        table.add_row(what, f"{count:,}", f"{found:,}", f"{found / count:.3%}")
    for what in ("ids of 16 random digits", "ids of 19 random digits"):
        found = alarms(BY_CHANCE[what], count, random, sparing)
        table.add_row(f"{what}, in a field that is spared", f"{count:,}", f"{found:,}", f"{found / count:.3%}")
    console().print(table)


if __name__ == "__main__":
    main()
