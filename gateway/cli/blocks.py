"""``payguard blocks``: who is on the block list of a running gateway, put there and taken off by people as well."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from gateway.cli.admin_port import AdminPort, asks_gateway, login
from gateway.cli.policies import as_json, print_json
from gateway.units import duration_text

_PATH = "/api/v1/blocks"
_WIDE = 200
"""Columns of a table that goes to a file or a pipe."""

_KIND = "ip, user, card, email, customer, header:NAME or fact:NAME.ATTRIBUTE"


@click.group()
def blocks() -> None:
    """See whom no rate_limit lets through, and decide it.

    They ask a running gateway whose policy has a rate_limit.  A value is known by its hash alone: to find it, say it.
    Exit codes: 0, or 1 where there is no such block, or the gateway refuses or cannot be asked.
    """


@blocks.command("list")
@click.option("--kind", help=f"One of {_KIND}.")
@click.option("--value", help="Such as an address; goes with --kind.")
@as_json
@asks_gateway
def list_blocks(port: AdminPort, kind: str | None, value: str | None, as_json: bool) -> None:
    """Show the blocks that hold."""
    if value is not None and kind is None:
        raise click.UsageError("--value goes with --kind")
    asked = {name: given for name, given in (("kind", kind), ("value", value)) if given is not None}
    items = list(_all(port, asked))
    if as_json:
        print_json({"items": items, "next": None})
    elif not items:
        click.echo("nobody is blocked", err=True)
    else:
        _print(items)


def _all(port: AdminPort, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    while True:
        page = port.get(_PATH, asked)
        yield from page["items"]
        if page["next"] is None:
            return
        asked = {**asked, "cursor": page["next"]}


def _print(items: list[dict[str, Any]]) -> None:
    whole = Column("id", no_wrap=True, overflow="ignore")
    table = Table(
        whole, "ends in", *(Column(name, overflow="fold") for name in ("by", "reason")), box=None, pad_edge=False
    )
    for each in items:
        left = duration_text(float(round(each["ends_in_seconds"])))
        table.add_row(*map(Text, (each["id"], left, each["by"], each["reason"])))
    Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE).print(table)


@blocks.command("add")
@click.argument("kind")
@click.argument("value")
@click.option("--for", "for_", required=True, metavar="DURATION", help="Such as 15m or 7d.")
@click.option("--reason", required=True, help="Why; recorded with your name.")
@click.option("--by", metavar="NAME", help="Who says so.  [default: the name you are logged in with]")
@as_json
@asks_gateway
def add(port: AdminPort, kind: str, value: str, *, for_: str, reason: str, by: str | None, as_json: bool) -> None:
    """Block VALUE, which is of KIND: ip, user, card, email, customer, header:NAME or fact:NAME.ATTRIBUTE."""
    asked = {"kind": kind, "value": value, "for": for_, "reason": reason, "by": by or login()}
    block = port.post(_PATH, {name: given for name, given in asked.items() if given is not None})
    if as_json:
        print_json(block)
    else:
        click.echo(f"{block['id']}: blocked, by {block['by']}")


@blocks.command("remove")
@click.argument("words", nargs=-1, required=True, metavar="ID | KIND VALUE")
@click.option("--reason", required=True, help="Why; told with your name.")
@click.option("--by", metavar="NAME", help="Who says so.  [default: the name you are logged in with]")
@as_json
@asks_gateway
def remove(port: AdminPort, words: tuple[str, ...], *, reason: str, by: str | None, as_json: bool) -> None:
    """Let somebody through again: by the ID of the block, or by KIND and VALUE."""
    match words:
        case [id]:
            whom = {"id": id}
        case [kind, value]:
            whom = {"kind": kind, "value": value}
        case _:
            raise click.UsageError("say the id of a block, or a kind and a value")
    asked = {**whom, "reason": reason, "by": by or login()}
    removed = port.post(f"{_PATH}/remove", {name: given for name, given in asked.items() if given is not None})
    if as_json:
        print_json(removed)
    else:
        for each in removed["removed"]:
            click.echo(f"{each}: no longer blocked")
