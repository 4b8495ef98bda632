"""``payguard cache``: what a running gateway keeps, how far it is warmed, and letting go of it."""

from __future__ import annotations

import sys
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from gateway.cli.admin_port import AdminPort, asks_gateway, login
from gateway.cli.policies import as_json, print_json

_PATH = "/api/v1/cache"
_WIDE = 200
"""Columns of a table that goes to a file or a pipe."""

KINDS = ("path", "prefix", "tag", "principal", "uri", "key", "all")


@click.group()
def cache() -> None:
    """See what a gateway keeps of answers, and let go of it.

    They ask a running gateway whose policy has a cache.  Exit codes: 0, or 1 where the gateway refuses or cannot be
    asked, or where other replicas are not told of a purge yet.
    """


@cache.command("status")
@as_json
@asks_gateway
def status(port: AdminPort, *, as_json: bool) -> None:
    """Show what lies in memory and in Redis, and what became of requests."""
    told = port.get(_PATH, {})
    if as_json:
        print_json(told)
        return
    memory, redis = told["memory"], told["redis"]
    click.echo(f"memory: {memory['entries']} entries, {memory['bytes']} bytes, {memory['evictions']} evicted")
    if redis is not None:
        click.echo(f"redis: {redis['trouble'] or 'answers'}")
    for route, counts in told["routes"].items():
        words = ", ".join(f"{word} {number}" for word, number in sorted(counts.items()))
        click.echo(f"{route}: {words or 'nothing yet'}")


@cache.command("warming")
@as_json
@asks_gateway
def warming(port: AdminPort, *, as_json: bool) -> None:
    """Show how far what the policy warms has come."""
    items: list[dict[str, Any]] = port.get(f"{_PATH}/warming", {})["items"]
    if as_json:
        print_json({"items": items, "next": None})
    elif not items:
        click.echo("nothing is warmed", err=True)
    else:
        _print(items)


def _print(items: list[dict[str, Any]]) -> None:
    path = Column("path", no_wrap=True, overflow="ignore")
    table = Table("route", path, "state", "done", "failed", "of", "why", box=None, pad_edge=False)
    for each in items:
        state = "runs" if each["running"] else "waits"
        numbers = (str(each[name]) for name in ("done", "failed", "total"))
        table.add_row(*map(Text, (each["route"], each["path"], state, *numbers, each["error"] or "")))
    Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE).print(table)


@cache.command("purge")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("value", required=False)
@click.option("--principal", metavar="ID", help="Only what this principal was answered.")
@click.option("--reason", required=True, help="Why; recorded with your name.")
@click.option("--by", metavar="NAME", help="Who says so.  [default: the name you are logged in with]")
@as_json
@asks_gateway
def purge(
    port: AdminPort, kind: str, value: str | None, *, principal: str | None, reason: str, by: str | None, as_json: bool
) -> None:
    """Let go of what is kept: of a path, of all paths that begin so, of a tag, of a principal, or of all.

    It is gone in all replicas that share a Redis by their caches.
    """
    if (value is None) is not (kind == "all"):
        raise click.UsageError("a value goes with each kind but all")
    asked = {"kind": kind, "value": value, "principal": principal, "reason": reason, "by": by or login()}
    told = port.post(f"{_PATH}/purge", {name: given for name, given in asked.items() if given is not None})
    if as_json:
        print_json(told)
    else:
        click.echo(f"purged; {told['purged']} were in memory here")
    if not told["everywhere"]:
        click.echo("Redis is away: other replicas are told once it is back", err=True)
        sys.exit(1)
