"""``payguard fraud lists``: whom fraud scoring lets through or refuses whatever the score."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from gateway import AdminPort, asks_gateway, login

_PATH = "/api/v1/fraud/lists"
_KINDS = ("customer", "card", "email", "device", "ip", "merchant", "bin", "country")
_WIDE = 200
"""Columns of a table that goes to a file or a pipe."""

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_list = click.Choice(["allow", "block"])


@click.group()
def lists() -> None:
    """See and change the allow list and the block list.

    They ask a running gateway.  A personal value is known by its hash alone: to find it, say it.  Exit codes: 0, or 1
    where there is no such entry, or the gateway refuses or cannot be asked.
    """


@lists.command("show")
@click.argument("name", type=_list, required=False, metavar="[allow|block]")
@click.option("--kind", type=click.Choice(_KINDS), help="Of one kind only.")
@click.option("--value", help="Such as an address; goes with --kind.")
@_as_json
@asks_gateway
def show(port: AdminPort, name: str | None, kind: str | None, value: str | None, *, as_json: bool) -> None:
    """Show the entries of both lists, or of one."""
    if value is not None and kind is None:
        raise click.UsageError("--value goes with --kind")
    given = {"list": name, "kind": kind, "value": value}
    items = list(_all(port, {key: said for key, said in given.items() if said is not None}))
    if as_json:
        click.echo(orjson.dumps({"items": items, "next": None}, option=orjson.OPT_INDENT_2))
    elif not items:
        click.echo("nobody is listed", err=True)
    else:
        _print(items)


def _all(port: AdminPort, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for page in port.pages(_PATH, asked, everything=True):
        yield from page["items"]


def _print(items: list[dict[str, Any]]) -> None:
    whole = Column("id", no_wrap=True, overflow="ignore")
    table = Table(whole, "until", *(Column(name, overflow="fold") for name in ("by", "reason")), box=None)
    for each in items:
        table.add_row(*map(Text, (each["id"], each["ends_at"] or "removed", each["by"], each["reason"])))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDE
    console.print(table)


@lists.command("add")
@click.argument("name", type=_list, metavar="allow|block")
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("value")
@click.option("--for", "for_", metavar="DURATION", help="Such as 30d.  [default: until it is removed]")
@click.option("--reason", required=True, help="Why; recorded with your name.")
@click.option("--by", metavar="NAME", help="Who says so.  [default: the name you are logged in with]")
@_as_json
@asks_gateway
def add(
    port: AdminPort, name: str, kind: str, value: str, *, for_: str | None, reason: str, by: str | None, as_json: bool
) -> None:
    """Put VALUE, which is of KIND, on a list."""
    asked = {"list": name, "kind": kind, "value": value, "for": for_, "reason": reason, "by": named(by)}
    entry = port.post(_PATH, {key: said for key, said in asked.items() if said is not None})
    if as_json:
        click.echo(orjson.dumps(entry, option=orjson.OPT_INDENT_2))
    else:
        click.echo(f"{entry['id']}: listed, by {entry['by']}")


@lists.command("remove")
@click.argument("words", nargs=-1, required=True, metavar="ID | allow|block KIND VALUE")
@click.option("--reason", required=True, help="Why; told with your name.")
@click.option("--by", metavar="NAME", help="Who says so.  [default: the name you are logged in with]")
@_as_json
@asks_gateway
def remove(port: AdminPort, words: tuple[str, ...], *, reason: str, by: str | None, as_json: bool) -> None:
    """Take an entry off: by its ID, or by list, KIND and VALUE."""
    match words:
        case [id]:
            which = {"id": id}
        case [name, kind, value]:
            which = {"list": name, "kind": kind, "value": value}
        case _:
            raise click.UsageError("say the id of an entry, or a list, a kind and a value")
    removed = port.post(f"{_PATH}/remove", {**which, "reason": reason, "by": named(by)})
    if as_json:
        click.echo(orjson.dumps(removed, option=orjson.OPT_INDENT_2))
    else:
        for each in removed["removed"]:
            click.echo(f"{each}: no longer listed")


def named(by: str | None) -> str:
    """Who says so; a UsageError where nobody can be named."""
    if (name := by or login()) is None:
        raise click.UsageError("nobody is logged in here: say who decides with --by NAME")
    return name
