"""``payguard fraud label``: what payments turned out to be, one at a time or from a file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import orjson

from gateway import AdminPort, asks_gateway

from .lists_command import named

_PATH = "/api/v1/fraud/labels"
_AT_ONCE = 500
_COLUMNS = ("payment", "label", "source", "at")


@click.command()
@click.argument("payment", required=False)
@click.argument("label", type=click.Choice(["fraud", "legitimate"]), required=False, metavar="[fraud|legitimate]")
@click.option("--source", help="Who says so, such as chargeback or review.  In a file: of lines that name none.")
@click.option("--at", metavar="TIME", help="When it was said, in RFC 3339.  [default: now]")
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Many: CSV with a head, or JSON lines (.jsonl), of payment, label, source and at.",
)
@click.option("--by", metavar="NAME", help="Who tells it.  [default: the name you are logged in with]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@asks_gateway
def label(
    port: AdminPort,
    payment: str | None,
    label: str | None,
    *,
    source: str | None,
    at: str | None,
    file: Path | None,
    by: str | None,
    as_json: bool,
) -> None:
    """Say what PAYMENT turned out to be: fraud or legitimate.

    Telling it again changes nothing, so a file that was told in part is told again as a whole.  Exit codes: 0, or 1
    where the gateway refuses or cannot be asked.
    """
    if (file is None) == (payment is None or label is None):
        raise click.UsageError("say PAYMENT and fraud or legitimate, or --file FILE")
    one = {"payment": payment, "label": label, "source": source, "at": at}
    given = [one] if file is None else list(_read(file, source, at))
    if not given:
        raise click.ClickException(f"{file} has no labels")
    told = list(_tell(port, given, named(by)))
    if as_json:
        click.echo(orjson.dumps({"items": told, "next": None}, option=orjson.OPT_INDENT_2))
        return
    counts = Counter(each["was"] for each in told)
    click.echo(", ".join(f"{count} {was}" for was, count in sorted(counts.items())))


def _tell(port: AdminPort, labels: list[dict[str, Any]], by: str) -> Iterator[dict[str, Any]]:
    for each in labels:
        if not each.get("source"):
            raise click.UsageError("say with --source who says so, such as chargeback")
    for start in range(0, len(labels), _AT_ONCE):
        part = [{name: said for name, said in each.items() if said} for each in labels[start : start + _AT_ONCE]]
        yield from port.post(_PATH, {"labels": part, "by": by})["items"]


def _read(file: Path, source: str | None, at: str | None) -> Iterator[dict[str, Any]]:
    """The labels of a file.  ClickException names the line that is none."""
    for number, each in _lines(file):
        if not isinstance(each, dict) or set(each) - set(_COLUMNS) or not each.get("payment") or not each.get("label"):
            raise click.ClickException(f"{file}:{number}: a line has payment and label, and may have source and at")
        yield {"source": source, "at": at} | {name: said for name, said in each.items() if said}


def _lines(file: Path) -> Iterable[tuple[int, Any]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise click.ClickException(f"{file} is no text in UTF-8") from None
    if file.suffix == ".jsonl":
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        try:
            return [(number, orjson.loads(line)) for number, line in lines]
        except orjson.JSONDecodeError as error:
            raise click.ClickException(f"{file} is no JSON lines: {error}") from None
    return list(enumerate(csv.DictReader(text.splitlines()), 2))
