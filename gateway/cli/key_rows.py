"""Keys and salts as a table."""

from __future__ import annotations

import sys
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

_WIDE = 200

USES = {
    "first": "in use",
    "kept": "still known",
    "missing": "missing",
    "retired": "retired",
    "unknown": "known to the database",
}


def print_keys(found: dict[str, Any]) -> None:
    """Of what the API shows."""
    table = Table(
        *(Column(name, no_wrap=True) for name in ("setting", "id", "state", "since", "uses")),
        Column("stored", overflow="fold"),
        box=None,
        pad_edge=False,
    )
    for each in found["items"]:
        table.add_row(*map(Text, _row(each)))
    Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE).print(table)
    for setting, reason in found["rejected"].items():
        click.echo(f"{setting}: what its file holds now is not taken: {reason}", err=True)
    if (walk := found["reencryption"]) is not None:
        state = "under way" if walk["done_at"] is None else f"done {walk['done_at']}"
        click.echo(f"re-encryption: {state}, {walk['moved']} encrypted anew, {walk['unreadable']} unreadable")


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    stored = each["stored"]
    counted = "" if stored is None else ", ".join(f"{name} {number}" for name, number in stored.items()) or "nothing"
    uses = "" if each["setting"] == "HASH_SALT" else f"≤ {each['uses']}"
    return each["setting"], each["id"], USES[each["use"]], each["since"] or "before this was noted", uses, counted
