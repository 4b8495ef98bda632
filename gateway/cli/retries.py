"""``payguard payments retries``: which declined payments a gateway tries again, and that one is not."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from gateway.admin.parameters import LIMIT, MOST
from gateway.cli.admin_port import AdminPort, asks_gateway, login
from gateway.cli.policies import as_json, print_json
from gateway.cli.story import away, money
from gateway.ledger.schedules import Phase

_PATH = "/api/v1/payments/retries"
_WIDE = 200


@click.group()
def retries() -> None:
    """See which declined payments are tried again, and cancel that.

    A schedule has the id of the payment that was declined.
    """


@retries.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([phase.value for phase in Phase]),
    help="May be given more than once.  [default: those that have not ended]",
)
@click.option("--limit", type=click.IntRange(1, MOST), default=LIMIT, show_default=True, help="Of one page.")
@click.option("--cursor", help="Where the page before ended.")
@click.option("--all", "everything", is_flag=True, help="Page after page, to the end.")
@as_json
@asks_gateway
def list_retries(
    port: AdminPort, states: tuple[str, ...], limit: int, cursor: str | None, *, everything: bool, as_json: bool
) -> None:
    """Show schedules, the newest payments first."""
    given = {"state": ",".join(states), "limit": limit, "cursor": cursor}
    asked = {name: value for name, value in given.items() if value not in (None, "")}
    items, after = [], None
    for page in port.pages(_PATH, asked, everything=everything):
        items += page["items"]
        after = page["next"]
    if as_json:
        print_json({"items": items, "next": after})
        return
    if not items:
        click.echo("nothing is tried again", err=True)
        return
    _print(items)
    if after is not None:
        click.echo(f"there are more: --cursor {after}, or --all", err=True)


def _print(items: list[dict[str, Any]]) -> None:
    names = ("next attempt", "made", "minor units", "declined with", "route", "owner", "reason")
    whole = [Column(name, no_wrap=True, overflow="ignore") for name in ("payment", "state")]
    table = Table(*whole, *(Column(name, overflow="fold") for name in names), box=None, pad_edge=False)
    now = datetime.now(UTC)
    for each in items:
        table.add_row(*map(Text, _row(each, now)))
    Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE).print(table)


def _row(each: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    waits = each["state"] == Phase.WAITING
    return (
        each["payment"],
        each["state"],
        away(each["due_at"], now) if waits else "–",
        str(each["attempts"]),
        money(each),
        each["code"] or "–",
        each["route"],
        each["owner"] or "–",
        each["reason"] or "–",
    )


@retries.command("cancel")
@click.argument("id")
@click.option("--reason", required=True, help="Why; recorded with your name and the time.")
@click.option("--by", metavar="NAME", help="Who says so.  [default: the name you are logged in with]")
@as_json
@asks_gateway
def cancel(port: AdminPort, id: str, *, reason: str, by: str | None, as_json: bool) -> None:  # noqa: A002
    """Do not try the payment ID again.  An attempt that is open goes on; there is none after it."""
    if not re.fullmatch(r"[^/?#\s]+", id):
        raise click.ClickException(f"{id!r} is no id of a payment")
    cancelled = port.post(f"{_PATH}/{id}/cancel", {"reason": reason, "by": by or login()})
    if as_json:
        print_json(cancelled)
        return
    open_ = f"; the attempt {cancelled['last_attempt']} is open" if cancelled["state"] == Phase.ATTEMPTING else ""
    click.echo(f"{cancelled['payment']}: is not tried again{open_}")
