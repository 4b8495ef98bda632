"""What scoring costs: ``python -m bench.fraud_cost``, CPU for each payment and memory for each key.

Each payment has all seven keys; features, score and reasons are made for each, as the filter makes them.  Points and
trees alternate in rounds of one process, and the least of the rounds counts: what is more was spent on others.
"""

from __future__ import annotations

import gc
import random
import time
import tracemalloc
from hashlib import blake2s
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench.fraud_simulator import World
from plugins.fraud.decision import Ruling
from plugins.fraud.event import KINDS, Event, MailSigns
from plugins.fraud.features import features
from plugins.fraud.models import parse_model
from plugins.fraud.offline.history import Row
from plugins.fraud.offline.replay import replay
from plugins.fraud.offline.training import sample_of, train
from plugins.fraud.points import PointsModel
from plugins.fraud.records import DAY
from plugins.fraud.scoring import Model
from plugins.fraud.state.memory import MemoryState

NOW = 1_760_000_000.0
ROUNDS, PAYMENTS, KEYS, FLOOD, ENTRIES = 15, 4_000, 50_000, 10_000_000, 200_000


def digest(kind: str, number: int) -> str:
    return f"s1:{blake2s(f'{kind}{number}'.encode(), digest_size=12).hexdigest()}"


def payments(count: int, first: int = 0) -> list[Event]:
    """Of five thousand customers, each with keys of his own nineteen times of twenty."""
    rng, found = random.Random(first), []
    for number in range(first, first + count):
        keys = {kind: digest(kind, number % 5_000 if rng.random() < 0.95 else rng.randrange(5_000)) for kind in KINDS}
        paid = {
            "amount": rng.randrange(100, 30_000),
            "currency": "eur",
            "account_created_at": 1.6e9,
            "mail": MailSigns(),
        }
        found.append(Event(str(number), NOW + number * 3, **paid, **keys, country="fr", card_country="fr"))
    return found


def trees() -> Model:
    world = World(0, 300, 300, 45).payments()
    rows = [
        Row(Event(each.id, float(each.at), amount=each.amount, currency="eur", customer=each.customer,
                  merchant=each.merchant), None, bool(each.fraud), None)
        for each in world
    ]  # fmt: skip
    sample = sample_of(replay(rows), rows[0].event.at + 10 * DAY, rows[-1].event.at)
    return parse_model(orjson.dumps(train(sample, "trees")), "trees")


def spent(state: MemoryState, model: Model, events: list[Event]) -> float:
    """CPU in microseconds for each payment."""
    ruling, began = Ruling(), time.process_time()
    for event in events:
        values = features(event, state.look(event))
        ruling.decide(event, values, model.score(values))
    return (time.process_time() - began) / len(events) * 1e6


def resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def memory(kind: str) -> float:
    """Bytes for each key of the kind, its digest included."""
    state, peer = MemoryState(entries=20 * KEYS), {"email": "e" * 27} if kind == "card" else {"card": "c" * 27}
    tracemalloc.start()
    for number in range(KEYS):
        state.look(Event("", NOW + number, amount=1_000, currency="eur", **{**peer, kind: digest(kind, number)}))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept / KEYS


def flooded() -> tuple[int, float]:
    """How many keys are kept of ten million different ones, and in how many megabytes."""
    state, before = MemoryState(ENTRIES), resident()
    for number in range(FLOOD // len(KINDS)):
        keys = [f"{kind[0]}{number:026}" for kind in KINDS]
        state.look(Event("", NOW + number, "payment.create", 1_000, "eur", *keys))
    return sum(state.sizes().values()), (resident() - before) / 1e6


def main() -> None:
    console, (kept, megabytes) = Console(), flooded()
    state = MemoryState()
    points, boosted, first = PointsModel(), trees(), payments(30_000)
    for event in first:
        state.look(event)
        state.tally(event.keys, event.at, frauds=0, payments=1)
    rounds = [payments(PAYMENTS, 30_000 + number * PAYMENTS) for number in range(2 * ROUNDS)]
    costs = {"points": 1e9, "trees": 1e9}
    for number, events in enumerate(rounds):
        name, model = (("points", points), ("trees", boosted))[number % 2]
        costs[name] = min(costs[name], spent(state, model, events))
    table = Table("what", "measured")
    for name, cost in costs.items():
        table.add_row(f"CPU for each payment, {name}", f"{cost:.1f} µs")
    for kind in KINDS:
        table.add_row(f"memory for each {kind}", f"{memory(kind):.0f} bytes")
    table.add_row(f"keys kept of {FLOOD:,} with a bound of {ENTRIES:,}", f"{kept:,} in {megabytes:.0f} MB")
    console.print(table)


if __name__ == "__main__":
    main()
