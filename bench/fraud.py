"""How well fraud is found on the Fraud-Detection-Handbook's simulated payments: ``python -m bench.fraud DATA``.

The data is public: https://github.com/Fraud-Detection-Handbook/simulated-data-raw.  ``DATA`` is one Parquet file of
its days 78 to 135 or more, sorted by time, with the columns ``t`` (seconds since 2018-04-01), ``customer``,
``terminal``, ``amount_cents`` and ``fraud``.  The protocol is the handbook's (chapter 5): train on days 115 to 121;
labels are known after 7 days; test on days 129 to 135, without customers known to be compromised by then.

``--spread`` trains the trees with six seeds for that week and for four before it (trained from days 87, 94, 101, 108).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson
from pyarrow import parquet
from rich.console import Console
from rich.table import Table

from plugins.fraud.event import Event
from plugins.fraud.models import parse_model
from plugins.fraud.offline.history import Row
from plugins.fraud.offline.ranking import average_precision, card_precision
from plugins.fraud.offline.replay import Scene, replay
from plugins.fraud.offline.training import Sample, train
from plugins.fraud.points import PointsModel
from plugins.fraud.records import DAY
from plugins.fraud.scoring import Model

BEGAN = 1_522_540_800.0
"""2018-04-01, UTC."""
TRAINED, WEEK, DELAY = 115, 7, 7
EARLIER, SEEDS = (87, 94, 101, 108), range(6)
PUBLISHED = {"logistic regression": ".606 / .291", "random forest": ".658 / .287", "XGBoost": ".639 / .273"}
"""Average precision and card precision@100 of the handbook, on this split."""


class Measured(NamedTuple):
    """One row of the table."""

    model: str
    average_precision: float
    card_precision: float
    microseconds: float


def rows(path: Path) -> Iterator[Row]:
    columns = parquet.read_table(path, columns=["t", "customer", "terminal", "amount_cents", "fraud"]).to_pydict()
    for number, (at, customer, terminal, cents, fraud) in enumerate(zip(*columns.values(), strict=True)):
        keys = {"customer": f"c{customer:06}", "merchant": f"t{terminal:06}"}
        event = Event(str(number), BEGAN + at, amount=cents, currency="eur", **keys)
        yield Row(event, None, bool(fraud), None)


def day_of(scene: Scene) -> int:
    return int((scene.event.at - BEGAN) // DAY)


def sample(scenes: list[Scene], trained: int) -> Sample:
    """The week from that day on."""
    week = [scene for scene in scenes if trained <= day_of(scene) < trained + WEEK]
    values, frauds = np.array([scene.values for scene in week]), np.array([scene.fraud for scene in week], dtype=float)
    return Sample(values, frauds, week[0].event.at, week[-1].event.at)


def tested(scenes: list[Scene], trained: int) -> list[Scene]:
    """The week after the delay of the labels, each day without customers whose frauds were known by then."""
    first, last = trained + WEEK + DELAY, trained + 2 * WEEK + DELAY
    frauds = {(day_of(scene), scene.event.customer) for scene in scenes if scene.fraud}
    known_from = {}
    for day, customer in frauds:
        if trained <= day < first:
            known_from[customer] = min(known_from.get(customer, last), max(first, day + DELAY + 1))
    return [
        scene
        for scene in scenes
        if first <= day_of(scene) < last and day_of(scene) < known_from.get(scene.event.customer, last)
    ]


def measured(name: str, model: Model, scenes: list[Scene]) -> Measured:
    began = time.process_time()
    scores = np.array([model.score(scene.values).value for scene in scenes])
    spent = (time.process_time() - began) / len(scenes) * 1e6
    frauds = np.array([scene.fraud for scene in scenes], dtype=float)
    customers, days = [scene.event.customer for scene in scenes], np.array([day_of(scene) for scene in scenes])
    return Measured(name, average_precision(scores, frauds), card_precision(scores, frauds, customers, days), spent)


def passed(path: Path, console: Console) -> list[Scene]:
    with console.status("payments pass in the order of their time"):
        return list(replay(rows(path), DELAY * DAY))


def spread(scenes: list[Scene], console: Console) -> None:
    """How much of the trees' figure is the week, and how much is the seed."""
    table = Table("trained from day", "average precision of trees, by seed", "mean")
    for trained in (*EARLIER, TRAINED):
        week, test = sample(scenes, trained), tested(scenes, trained)
        models = [parse_model(orjson.dumps(train(week, "trees", seed)), "trees") for seed in SEEDS]
        found = [measured("trees", model, test).average_precision for model in models]
        table.add_row(str(trained), " ".join(f"{each:.3f}" for each in found), f"{sum(found) / len(found):.3f}")
    console.print(table)


def main(path: Path, *, asks_spread: bool) -> None:
    console = Console()
    scenes = passed(path, console)
    if asks_spread:
        spread(scenes, console)
        return
    test, week = tested(scenes, TRAINED), sample(scenes, TRAINED)
    trained = [(kind, parse_model(orjson.dumps(train(week, kind)), kind)) for kind in ("logistic", "trees")]
    models: list[tuple[str, Model]] = [("points, untrained", PointsModel()), *trained]
    found = [measured(name, model, test) for name, model in models]
    console.print(
        f"trained on {len(week.frauds):,} payments with {int(week.frauds.sum())} frauds; "
        f"tested on {len(test):,} with {sum(scene.fraud for scene in test)}"
    )
    table = Table("model", "average precision", "card precision@100", "CPU µs, score and reasons")
    for each in found:
        figures = f"{each.average_precision:.3f}", f"{each.card_precision:.3f}", f"{each.microseconds:.1f}"
        table.add_row(each.model, *figures)
    console.print(table)
    console.print("published: " + "; ".join(f"{name} {figures}" for name, figures in PUBLISHED.items()))


if __name__ == "__main__":
    files = [each for each in sys.argv[1:] if each != "--spread"]
    if len(files) != 1:
        sys.exit(f"usage: python -m bench.fraud [--spread] DATA\n\n{__doc__}")
    main(Path(files[0]), asks_spread="--spread" in sys.argv)
