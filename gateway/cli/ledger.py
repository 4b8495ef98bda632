"""``payguard ledger``: the schema of the database that payments are recorded in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

import click

from gateway.cli.policies import Refused, as_json, print_json
from gateway.control.settings import SettingsError, load_settings
from gateway.database.maintenance import SchemaStatus, migrate, schema_status
from gateway.database.protocol import SchemaMismatch, Unfit

ADVICE = {
    "current": "nothing to do",
    "empty": "payguard ledger migrate makes it",
    "behind": "payguard ledger migrate brings it up to date",
    "ahead": "run the newer payguard that made it",
}


@click.group()
def ledger() -> None:
    """See and migrate the database that payments are recorded in; DATABASE_URL or DB_… name it."""


@ledger.command("status")
@as_json
def status(as_json: bool) -> None:
    """Show whether the database's schema is the one that this payguard works with.

    Exit codes: 0 where it is, 1 where it is not, 2 where the database cannot be asked.
    """
    found = _asked(schema_status)
    if as_json:
        print_json({"database": found.database, "schema": found.found, "needed": found.needed, "state": found.state})
    else:
        click.echo(f"database  {found.database}")
        click.echo(f"schema    {found.found or 'none'}; this payguard works with {found.needed}")
        click.echo(f"state     {found.state}: {ADVICE[found.state]}")
    if found.state != "current":
        raise SystemExit(1)


@ledger.command("migrate")
@as_json
def migrate_schema(as_json: bool) -> None:
    """Bring the database's schema up to date; with SQLite, while no gateway uses the file.

    Exit codes: 0 where it is up to date now, 1 where it is newer than this payguard, 2 where the database cannot be
    used.
    """
    before = _asked(migrate)
    if as_json:
        print_json({"database": before.database, "before": before.found, "schema": before.needed})
    elif before.state == "current":
        click.echo(f"{before.database}: the schema is at {before.needed} already")
    else:
        click.echo(f"{before.database}: the schema is at {before.needed} now, and was {before.found or 'not there'}")


def _asked(ask: Callable[[str], Coroutine[Any, Any, SchemaStatus]]) -> SchemaStatus:
    try:
        return asyncio.run(ask(load_settings(os.environ).database))
    except SettingsError as error:
        raise Refused(str(error)) from error
    except SchemaMismatch as error:
        raise click.ClickException(str(error)) from error
    except Unfit as error:
        raise Refused(str(error)) from error
