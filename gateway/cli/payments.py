"""``payguard payments``: what became of payments, asked of a running gateway; and a human's word on one."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from gateway.admin.parameters import LIMIT, MOST
from gateway.cli.admin_port import AdminPort, asks_gateway, login
from gateway.cli.policies import as_json, print_json
from gateway.cli.retries import retries
from gateway.cli.reviews import approve, reject
from gateway.cli.story import away, clock, money, story
from gateway.ledger.records import State

_PATH = "/api/v1/payments"
_WIDE = 200
"""Columns of a table that goes to a file or a pipe: what reads it should find a payment in a line."""


@click.group()
def payments() -> None:
    """See what became of payments, and say what you know of one.

    They ask a running gateway.  Exit codes: 0, or 1 where there is no such payment, or the gateway refuses or cannot
    be asked.
    """


for command in (retries, approve, reject):
    payments.add_command(command)


@payments.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in State]),
    help="May be given more than once.",
)
@click.option("--route", help="The route's name.")
@click.option("--owner", help="The verified caller.")
@click.option("--key", help="A client's own idempotency key; goes with --owner.")
@click.option("--customer", help="As the request named it.")
@click.option("--least", type=click.IntRange(min=0), help="In minor units.")
@click.option("--most", type=click.IntRange(min=0), help="In minor units.")
@click.option("--currency", help="Such as eur.")
@click.option("--request", "request_id", metavar="ID", help="The X-Request-Id that the client was told.")
@click.option("--older-than", metavar="DURATION", help="Such as 15m.")
@click.option("--limit", type=click.IntRange(1, MOST), default=LIMIT, show_default=True, help="Of one page.")
@click.option("--cursor", help="Where the page before ended.")
@click.option("--all", "everything", is_flag=True, help="Page after page, to the end.")
@as_json
@asks_gateway
def list_payments(port: AdminPort, everything: bool, as_json: bool, **asked: Any) -> None:
    """Show payments, the newest first."""
    given = {"state": ",".join(asked.pop("states")), **asked}
    asked = {name: value for name, value in given.items() if value not in (None, "")}
    pages = port.pages(_PATH, asked, everything=everything)
    if as_json:
        items, cursor = [], None
        for page in pages:
            items += page["items"]
            cursor = page["next"]
        print_json({"items": items, "next": cursor})
        return
    for number, page in enumerate(pages):
        if page["items"] or not number:
            _print_page(page["items"])
        if page["next"] is not None and not everything:
            click.echo(f"there are more: --cursor {page['next']}, or --all", err=True)


def _print_page(items: list[dict[str, Any]]) -> None:
    if not items:
        click.echo("no payment is so", err=True)
        return
    whole = [Column(name, no_wrap=True, overflow="ignore") for name in ("id", "state")]
    names = ("created", "operation", "minor units", "route", "owner", "status", "reason")
    table = Table(*whole, *(Column(name, overflow="fold") for name in names), box=None, pad_edge=False)
    now = datetime.now(UTC)
    for each in items:
        told = (
            each["id"],
            each["state"],
            away(each["created_at"], now),
            each["operation"],
            money(each),
            each["route"],
            each["owner"] or "–",
            str(each["status"] or "–"),
            each["reason"],
        )
        table.add_row(*map(Text, told))
    wide = None if sys.stdout.isatty() else _WIDE
    Console(highlight=False, width=wide).print(table)


@payments.command("show")
@click.argument("id")
@as_json
@asks_gateway
def show(port: AdminPort, id: str, as_json: bool) -> None:  # noqa: A002
    """Show everything of the payment ID; the id of the request that made it will do."""
    payment = find(port, id)
    if as_json:
        print_json(payment)
        return
    table = Table("", "", box=None, pad_edge=False, show_header=False)
    for name, value in _facts(payment):
        table.add_row(name, Text(value))
    Console(highlight=False, soft_wrap=True).print(table)
    click.echo("")
    click.echo(story(payment, datetime.now(UTC)), nl=False)


def _facts(payment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the story leaves out, or says only in passing."""
    for name in ("id", "state", "revision", "epoch", "route", "operation", "upstream", "owner", "key", "customer"):
        yield name, "–" if payment[name] is None else str(payment[name])
    for name in ("created_at", "sent_at", "lease_until", "settled_at", "due_at"):
        yield name.removesuffix("_at"), clock(payment[name])
    yield "delivery", f"{payment['delivery'] or '–'}, {payment['attempts']} attempts, status {payment['status'] or '–'}"
    for name, stored in payment["stored"].items():
        yield f"{name} kept", f"{stored['bytes']} bytes, encrypted" if stored["kept"] else "no"


@payments.command("resolve")
@click.argument("id")
@click.option(
    "--state", required=True, type=click.Choice(["succeeded", "failed", "released"]), help="What became of it."
)
@click.option("--reason", required=True, help="How you know it; recorded with your name and the time.")
@click.option("--by", metavar="NAME", help="Who says so.  [default: the name you are logged in with]")
@click.option(
    "--never-executed", is_flag=True, help="With released: it was never executed and never will be. Its key is free."
)
@click.option("--yes", is_flag=True, help="Do not ask on a terminal.")
@as_json
@asks_gateway
def resolve(
    port: AdminPort,
    id: str,  # noqa: A002
    *,
    state: str,
    reason: str,
    by: str | None,
    never_executed: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Say what became of the payment ID, where you know it and no resolver does."""
    if state == "released" and not never_executed:
        raise click.UsageError(
            "a released payment is executed when its key comes again: add --never-executed where you know that it"
            " was never executed and never will be"
        )
    payment = find(port, id)
    if not yes and sys.stdin.isatty():
        click.echo(f"{payment['id']}: {payment['operation']}, {money(payment)}, {payment['state']}", err=True)
        click.confirm(f"Record that it has {_MEANING[state]}?", abort=True, err=True)
    decision = {"state": state, "reason": reason, "by": by or login(), "revision": payment["revision"]}
    if never_executed:
        decision["never_executed"] = True
    resolved = port.post(f"{_PATH}/{payment['id']}/resolve", decision)
    if as_json:
        print_json(resolved)
    else:
        click.echo(f"{resolved['id']}: {resolved['state']}, by {resolved['history'][-1]['by']}")


_MEANING = {"succeeded": "succeeded", "failed": "failed", "released": "never been executed, and free its key"}


def find(port: AdminPort, id: str) -> dict[str, Any]:  # noqa: A002
    """The whole payment of this id, or that its request made."""
    if not re.fullmatch(r"[^/?#\s]+", id):
        raise click.ClickException(f"{id!r} is no id of a payment or a request")
    payment: dict[str, Any] | None = port.get(f"{_PATH}/{id}", missing=True)
    if payment is None:
        items = port.get(_PATH, {"request_id": id})["items"]
        payment = port.get(f"{_PATH}/{items[0]['id']}", missing=True) if items else None
    if payment is None:
        raise click.ClickException(
            f"no payment has the id {id}, and none was made by a request of that id; payguard payments list has those"
            " that are recorded. A request that was refused or answered above the ledger is in the log only"
        )
    return payment
