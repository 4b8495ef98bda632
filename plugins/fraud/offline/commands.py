"""``payguard fraud train`` and ``payguard fraud backtest``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import click
import orjson
from pydantic import ValidationError

from plugins.fraud.judge import Judge, judge_of
from plugins.fraud.models import parse_model
from plugins.fraud.records import DAY

from .backtest import Aims, BacktestError, backtest
from .history import History, HistoryError, Row, labelled, labels_of
from .replay import replay
from .report import lines, page
from .training import Kind, TrainingError, sample_of, train

NEEDED = ("numpy", "matplotlib", "sklearn", "lightgbm", "pyarrow")


class CannotStart(click.ClickException):
    """Files, options or packages that nothing can be done with."""

    exit_code = 2


def _history(command: Any) -> Any:
    """The argument and options that say which history, and how it is read."""
    for option in (
        click.option("--from", "since", metavar="TIME", help="Only learn from what came before this time (ISO 8601)."),
        click.option("--label-delay", "delay", type=click.FloatRange(0, 366), default=7.0, metavar="DAYS",
                     show_default=True, help="Days after which a payment without a label is legitimate."),
        click.option("--major", is_flag=True, help="Amounts are decimals of main units; else integers of minor ones."),
        click.option("--column", "columns", multiple=True, metavar="FIELD=NAME",
                     help="The column that a field is in, where it is not called so; may be given more than once."),
        click.option("--labels", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
                     help="Labels in a file of their own: columns id, fraud and, if there, labelled_at."),
        click.argument("history", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command("train")
@_history
@click.option("--model", "kind", type=click.Choice(["logistic", "trees"]), required=True, help="What is trained.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The model's file.")
@click.option("--until", metavar="TIME", help="Learn nothing from this time on: backtest judges what came after it.")
def train_command(
    *, history: Path, labels: Path | None, columns: tuple[str, ...], major: bool, delay: float, since: str | None,
    kind: str, out: Path, until: str | None,
) -> None:  # fmt: skip
    """Train a model on a history of payments, in CSV or Parquet, sorted by time.

    Features are computed as the gateway computes them, payment by payment; a label counts from the day on which it was
    known.  What is written is a file for `model` of the policy's filter `fraud`.

    Exit codes: 0; 1 where there is too little to learn from; 2 where the files cannot be used.
    """
    _needed(out)
    start, end = _time("--from", since), _time("--until", until)
    try:
        rows = _rows(history, labels, columns, major=major)
        scenes = list(replay(rows, delay * DAY))
        first, last = scenes[0].event.at + delay * DAY, scenes[-1].event.at
        sample = sample_of(scenes, first if start is None else start, last if end is None else min(end, last))
        document = train(sample, cast("Kind", kind))
    except HistoryError as error:
        raise CannotStart(str(error)) from error
    except TrainingError as error:
        raise click.ClickException(str(error)) from error
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    model = parse_model(text, str(out))
    out.write_bytes(text)
    said = document["trained"]
    click.echo(
        f"{out}: {kind} {model.version}, trained on {said['payments']:,} payments with {said['frauds']:,} frauds"
    )
    for code, why in said["left_out"].items():
        click.echo(f"left out: {code}, {why}")


@click.command("backtest")
@_history
@click.option("--policy", type=click.Path(exists=True, dir_okay=False), required=True, help="The policy to look at.")
@click.option("--against", type=click.Path(exists=True, dir_okay=False), help="Another, such as the one in force.")
@click.option("--route", help="The route whose fraud filter is meant, where several have one.")
@click.option(
    "--precision",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Suggest a threshold for this precision.",
)
@click.option(
    "--reviews",
    type=click.FloatRange(0),
    default=100.0,
    show_default=True,
    help="Suggest one for so many reviews a day.",
)
@click.option(
    "--review-cost",
    type=click.FloatRange(0),
    default=5.0,
    show_default=True,
    help="Suggest one where a review costs so much.",
)
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write the report as HTML.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def backtest_command(
    *, history: Path, labels: Path | None, columns: tuple[str, ...], major: bool, delay: float, since: str | None,
    policy: str, against: str | None, route: str | None, precision: float, reviews: float, review_cost: float,
    report: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Look at what a policy's fraud filter would have decided of a history, in CSV or Parquet, sorted by time.

    Payments pass in the order of their time; of each, only what was known then is known.  Payments whose labels were
    not due at the end of the history are learned from and not judged.

    Exit codes: 0; 1 where nothing can be said; 2 where the files cannot be used.
    """
    _needed(report)
    start = _time("--from", since) or 0.0
    now, before = _judge(policy, route), None if against is None else _judge(against, route)
    try:
        rows = _rows(history, labels, columns, major=major)
        scenes = replay(rows, delay * DAY)
        found = backtest(scenes, now, before, start, Aims(precision, reviews, review_cost))
    except HistoryError as error:
        raise CannotStart(str(error)) from error
    except BacktestError as error:
        raise click.ClickException(str(error)) from error
    if report is not None:
        report.write_text(page(found, f"{policy} on {history.name}"), encoding="utf-8")
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() if as_json else "\n".join(lines(found)))


def _needed(written: Path | None) -> None:
    """Packages, and a folder for what is written: better missed now than when all is computed."""
    if written is not None and not os.access(written.parent, os.W_OK):
        raise CannotStart(f"{written} cannot be written: {written.parent} is no folder to write in")
    missing = [each for each in NEEDED if find_spec(each) is None]
    if missing:
        raise CannotStart(f"this needs {', '.join(missing)}: pip install 'payguard[train]'")


def _rows(history: Path, labels: Path | None, columns: Iterable[str], *, major: bool) -> Iterator[Row]:
    found = History(history, _columns(columns), major=major)
    if labels is None:
        found.require("fraud")
        return _shown(found, found.count())
    found.require("id")
    return labelled(_shown(found, found.count()), labels_of(labels))


def _columns(written: Iterable[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in written]
    if wrong := [field for field, sign, name in pairs if not sign or not name]:
        raise HistoryError(f"--column {wrong[0]}: write FIELD=NAME")
    return {field: name for field, _, name in pairs}


def _shown(rows: Iterable[Row], count: int) -> Iterator[Row]:
    """The rows, while a bar on a terminal's stderr says how far they are."""
    from rich.console import Console  # noqa: PLC0415 - only commands draw
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = "payments", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(rows, total=count)


def _time(option: str, written: str | None) -> float | None:
    if written is None:
        return None
    try:
        at = datetime.fromisoformat(written)
    except ValueError as error:
        raise CannotStart(f"{option} {written}: {error}") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _judge(policy: str, route: str | None) -> Judge:
    """Of the fraud filter of a policy, as the gateway itself reads policies."""
    asked = [sys.executable, "-m", "gateway", "explain", policy, "--json"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - this program itself
    if told.returncode:
        raise CannotStart(told.stderr.strip() or told.stdout.strip())
    try:
        return judge_of(_options(orjson.loads(told.stdout), route))
    except ValidationError as error:
        raise CannotStart(f"{policy}: {error.errors()[0]['msg']}") from error
    except ValueError as error:
        raise CannotStart(f"{policy}: {error}") from error


def _options(described: Mapping[str, Any], route: str | None) -> Mapping[str, Any]:
    found = {
        each["name"]: step["options"]
        for each in described["routes"]
        for step in each["filters"]
        if step["name"] == "fraud" and route in (None, each["name"])
    }
    if not found:
        raise ValueError(
            "no route of it has a filter fraud" if route is None else f"no route {route} has a filter fraud"
        )
    first = next(iter(found.values()))
    if any(_scoring(each) != _scoring(first) for each in found.values()):
        raise ValueError(f"its routes score differently: name one with --route, of {', '.join(map(str, found))}")
    return cast("Mapping[str, Any]", first)


def _scoring(options: Mapping[str, Any]) -> list[Any]:
    return [options.get(name) for name in ("model", "points", "rules", "review_at", "block_at")]
