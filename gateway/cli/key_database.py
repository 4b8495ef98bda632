"""Keys as the database knows them, where no gateway is asked: it must not be one that a gateway owns."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from gateway.audit.signing import Sealer
from gateway.audit.writer import AuditWriter
from gateway.cli.admin_port import login
from gateway.cli.policies import Refused, loaded
from gateway.cli.seal_keys import seal_keys
from gateway.control.key_watch import KEY
from gateway.control.settings import SettingsError, load_settings
from gateway.crypto.key_checks import KnownKeys
from gateway.crypto.key_report import report
from gateway.crypto.references import References
from gateway.database.opening import open_database
from gateway.database.protocol import Database, DatabaseDown, Unfit
from gateway.ledger.bodies import STORED
from gateway.telemetry.masking import Masking

T = TypeVar("T")


def status(*, count: bool) -> dict[str, Any]:
    """What the API shows, without what only a gateway knows."""

    async def ask(database: Database) -> dict[str, Any]:
        stored = (*STORED, *loaded(()).stored)
        found = await report(KnownKeys(database), None, References(database, stored) if count else None)
        items = [asdict(each) | {"since": _moment(each.since)} for each in found]
        return {"items": items, "rejected": {}, "reencryption": None}

    return _asked(ask)


def give_up(key: str) -> str:
    """Let a gateway start without this key, whatever was sealed with it; the audit trail has it before it is done."""

    async def retire(database: Database) -> str:
        known = {each.id: each for each in await KnownKeys(database).all() if each.kind == KEY}
        if key not in known:
            raise click.ClickException(f"the database knows no key with the id {key}")
        if known[key].retired_at is not None:
            return "was retired before"
        await _on_the_trail(database, key)
        await KnownKeys(database).retire(KEY, key)
        return "given up"

    return _asked(retire)


async def _on_the_trail(database: Database, key: str) -> None:
    """As a chain of its own, sealed as a gateway of these settings seals."""
    sealer = Sealer(seal_keys(load_settings(os.environ)))
    writer = AuditWriter(database, sealer, masks=Masking(), hash=lambda _, value: value, now=time.time)
    await writer.add("key.retire", subject=key, outcome="lost", principal=f"human:{login() or 'unnamed'} via database")
    await writer.close()


def _asked(ask: Callable[[Database], Awaitable[T]]) -> T:
    async def run(url: str) -> T:
        database = open_database(url, migrate="manual")
        await database.open()
        try:
            return await ask(database)
        finally:
            await database.close()

    try:
        return asyncio.run(run(load_settings(os.environ).database))
    except SettingsError as error:
        raise Refused(str(error)) from error
    except Unfit as error:
        raise Refused(f"{error}; a running gateway is asked without --database, and stopped before --lost") from error
    except DatabaseDown as error:
        raise Refused(f"the database cannot be asked: {error}") from error


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
