"""A world of payments with frauds in it: ``python -m bench.fraud_simulator OUT.csv``.

Written from the description of the Fraud-Detection-Handbook's simulator (chapter 3): customers spend usual amounts at
terminals near them; amounts beyond a limit are frauds; terminals are compromised for four weeks; cards leak and pay
five times as much for two weeks.  Each customer also has a card, an address, a device and an IP address; of a leaked
card, half the frauds come from another device.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

BEGAN = 1_759_276_800
"""2025-10-01, UTC."""
DAY = 86_400
LARGE = 22_000
"""Minor units beyond which an amount is a fraud."""
COMPROMISED, LEAKED = 28, 14
"""Days that a terminal and a card are in other hands."""


class Payment(NamedTuple):
    """One row: the columns that ``payguard fraud`` knows by their names, and why it is a fraud."""

    id: str
    at: int
    amount: int
    currency: str
    customer: str
    card: str
    email: str
    device: str
    ip: str
    merchant: str
    bin: str
    fraud: int
    scenario: int


class World:
    """The same for the same seed: ``customers`` who pay about twice a day at ``terminals``, for ``days``."""

    def __init__(self, seed: int = 0, customers: int = 300, terminals: int = 300, days: int = 40) -> None:
        self._rng = random.Random(seed)
        self._customers = [(self._rng.uniform(500, 10_000), self._rng.uniform(0, 4)) for _ in range(customers)]
        self._near = [self._rng.sample(range(terminals), min(terminals, 20)) for _ in range(customers)]
        self._terminals, self._days = terminals, days
        self._compromised: dict[int, int] = {}
        self._leaked: dict[int, int] = {}

    def payments(self) -> Iterator[Payment]:
        """In the order of their time."""
        number = 0
        for day in range(self._days):
            self._compromise(day)
            drawn = sorted(self._drawn(day))
            for at, customer, amount in drawn:
                yield self._payment(number, (at, customer, amount), day)
                number += 1

    def _drawn(self, day: int) -> Iterator[tuple[int, int, int]]:
        for customer, (usual, often) in enumerate(self._customers):
            for _ in range(round(self._rng.expovariate(1 / often)) if often > 0.05 else 0):
                second = int(self._rng.gauss(DAY / 2, 20_000)) % DAY
                amount = self._rng.gauss(usual, usual / 2)
                yield (
                    BEGAN + day * DAY + second,
                    customer,
                    int(amount if amount > 0 else self._rng.uniform(1, 2 * usual)),
                )

    def _payment(self, number: int, drawn: tuple[int, int, int], day: int) -> Payment:
        at, customer, amount = drawn
        terminal, scenario = self._rng.choice(self._near[customer]), 0
        device, ip = f"device-{customer}", f"10.0.{customer // 250}.{customer % 250}"
        if self._leaked.get(customer, 0) > day and self._rng.random() < 1 / 3:
            amount, scenario = amount * 5, 3
            if self._rng.random() < 0.5:
                device, ip = f"stolen-{customer}", f"192.0.2.{customer % 250}"
        if self._compromised.get(terminal, 0) > day:
            scenario = 2
        if amount > LARGE:
            scenario = 1
        return Payment(
            f"p{number}", at, amount, "eur", f"customer-{customer}", f"card-{customer}",
            f"user.{customer}@example.com", device, ip, f"terminal-{terminal}", f"{400_000 + customer % 40}",
            int(scenario > 0), scenario,
        )  # fmt: skip

    def _compromise(self, day: int) -> None:
        if self._rng.random() < self._terminals / 600:
            self._compromised[self._rng.randrange(self._terminals)] = day + COMPROMISED
        if self._rng.random() < len(self._customers) / 600:
            self._leaked[self._rng.randrange(len(self._customers))] = day + LEAKED


@click.command()
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--customers", default=1_000, show_default=True)
@click.option("--days", default=60, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(out: Path, customers: int, days: int, seed: int) -> None:
    """Write payments with their labels as CSV."""
    with out.open("w", newline="") as file:
        written = csv.writer(file)
        written.writerow(Payment._fields)
        written.writerows(World(seed, customers, customers, days).payments())


if __name__ == "__main__":
    main()
