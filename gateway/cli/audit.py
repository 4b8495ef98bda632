"""``payguard audit``: prove that the audit trail is whole, take it elsewhere with its proof, and show the keys."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import IO, Any

import click
import orjson

from gateway.audit import export as lines
from gateway.audit.entries import Seal
from gateway.audit.reading import reading
from gateway.audit.verification import Report, Verifier
from gateway.cli.policies import Refused, as_json, print_json
from gateway.cli.seal_keys import seal_keys
from gateway.control.settings import Settings, SettingsError, load_settings
from gateway.control.start import why
from gateway.database.protocol import Unfit


@click.group()
def audit() -> None:
    """Prove that nobody edited the audit trail, and take it elsewhere with its proof."""


@audit.command("verify")
@click.argument("file", required=False, type=click.File(encoding="utf-8"))
@click.option(
    "--log",
    "logs",
    multiple=True,
    type=click.File("rb"),
    help="A gateway's log: its seals say how far each chain went.  May be given more than once.",
)
@click.option("--public-key", "keys", multiple=True, metavar="HEX", help="Of who may have sealed; as audit key prints.")
@as_json
def verify(file: IO[str] | None, logs: Sequence[IO[bytes]], keys: tuple[str, ...], as_json: bool) -> None:
    """Verify the trail in the database that DATABASE_URL or DB_... name, or the export FILE.

    Without --public-key, those count that the gateway's own settings give, as payguard audit key prints them.

    Exit codes: 0 where all hangs together, 1 where something was edited, removed, moved or put in, which is named, 2
    where it cannot be read.
    """
    trusted = [_public_key(key) for key in keys] or _public_keys(_settings())
    logged = [seal for log in logs for seal in _seals_of(log)]
    report = asyncio.run(_of_database(trusted, logged)) if file is None else _of_file(file, trusted, logged)
    if as_json:
        print_json(_document(report))
    else:
        for finding in report.findings:
            click.echo(str(finding))
        if report.found > len(report.findings):
            click.echo(f"and {report.found - len(report.findings)} more")
        click.echo(_summary(report, logged))
    if report.found:
        raise SystemExit(1)


@audit.command("export")
@click.option("--output", type=click.File("w", encoding="utf-8", lazy=False), default="-", help="A file, not stdout.")
def export(output: IO[str]) -> None:
    """Write the trail of the database as JSON Lines, with its seals and the keys that may have made them.

    payguard audit verify FILE verifies it without the database.  Exit codes: 0, or 2 where it cannot be read.
    """
    asyncio.run(_exported(output))


@audit.command("key")
@as_json
def key(as_json: bool) -> None:
    """Print the public keys of the seals, by which anybody can verify them: the first seals now.

    Exit codes: 0, or 2 where there is no key.
    """
    keys = _public_keys(_settings())
    if as_json:
        print_json({"keys": list(keys)})
    else:
        click.echo("\n".join(keys))


async def _of_database(trusted: Collection[str], logged: Iterable[Seal]) -> Report:
    try:
        async with reading(_settings().database) as trail:
            verifier = Verifier(trusted, first=trail.first, logged=logged)
            async for batch in trail.batches:
                for item in batch:
                    verifier.take(item)
    except Unfit as error:
        raise Refused(str(error)) from error
    return verifier.end()


def _of_file(file: IO[str], trusted: Collection[str], logged: Iterable[Seal]) -> Report:
    try:
        first = lines.first(file)
        file.seek(0)
        verifier = Verifier(trusted, first=first, logged=logged)
        for item in lines.items(file):
            verifier.take(item)
    except (lines.NoExport, UnicodeDecodeError, OSError) as error:
        raise Refused(f"{file.name}: {error}") from error
    return verifier.end()


async def _exported(output: IO[str]) -> None:
    settings = _settings()
    entries = seals = 0
    try:
        async with reading(settings.database) as trail:
            output.write(lines.head(_public_keys(settings), round(time.time(), 3)) + "\n")
            for seal in trail.first:
                output.write(lines.line(seal) + "\n")
                seals += 1
            async for batch in trail.batches:
                output.writelines(lines.line(item) + "\n" for item in batch)
                new = sum(isinstance(item, Seal) for item in batch)
                seals, entries = seals + new, entries + len(batch) - new
            output.write(lines.end(entries, seals) + "\n")
            output.flush()
    except Unfit as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"cannot write {getattr(output, 'name', 'it')}: {why(error)}") from error


def _settings() -> Settings:
    try:
        return load_settings(os.environ)
    except SettingsError as error:
        raise Refused(str(error)) from error


def _public_key(given: str) -> str:
    """One with a digit too few would vouch for nothing, and every seal would seem forged."""
    if not re.fullmatch("[0-9a-fA-F]{64}", given):
        raise Refused(f"--public-key {given!r}: a key is 64 hexadecimal digits, as payguard audit key prints it")
    return given.lower()


def _public_keys(settings: Settings) -> tuple[str, ...]:
    return tuple(signer.public for signer in seal_keys(settings))


def _seals_of(log: IO[bytes]) -> Iterator[Seal]:
    """Those of a log, whatever else stands in it."""
    for line in log:
        if b'"audit_sealed"' in line:
            with suppress(orjson.JSONDecodeError, KeyError, TypeError):
                said = orjson.loads(line)
                names = ("writer", "seq", "kind", "hash", "sealed_at", "key", "signature")
                yield Seal(*(said[name] for name in names))


def _summary(report: Report, logged: Collection[Seal]) -> str:
    what = f"{report.entries} entries of {report.writers} writers, {report.seals} seals"
    beside = f"; the log has {len(logged)} seals" if logged else ""
    tail = f"; {report.unsealed} entries after the last seal of their writer, which no key vouches for yet"
    word = f"{report.found} findings" if report.found else "whole"
    return f"{word}: {what}{beside}{tail if report.unsealed else ''}"


def _document(report: Report) -> dict[str, Any]:
    counts = {name: getattr(report, name) for name in ("found", "writers", "entries", "seals", "unsealed")}
    names = ("writer", "first", "last", "what", "why")
    return {**counts, "findings": [{name: getattr(each, name) for name in names} for each in report.findings]}
