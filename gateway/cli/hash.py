"""``payguard hash``: what the filter ``hash`` puts in the place of a value, to look it up by."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from gateway.cli.policies import Refused, as_json, print_json
from gateway.control.keys import written
from gateway.control.settings import SettingsError, load_settings
from gateway.crypto.fields import field_message
from gateway.crypto.salts import FILE_NAME, Salts


@click.command()
@click.argument("value", required=False)
@click.option("--tenant", default="default", show_default=True, help="The policy's tenant.")
@click.option("--purpose", default="field", show_default=True, help="The purpose that the filter has.")
@click.option(
    "--fold", is_flag=True, help="Leave out spaces around it, and its case, as the filter does where told to."
)
@as_json
def hash(value: str | None, tenant: str, purpose: str, fold: bool, as_json: bool) -> None:  # noqa: A001 - its name
    """Print the hash of VALUE, or of standard input without the line's end: what is secret stands in no history.

    The first line is what the filter writes now, the others what it wrote with older salts.  Exit codes: 0, or 2 where
    there is no salt.
    """
    text = sys.stdin.read().rstrip("\r\n") if value is None else value
    hashes = _salts().hashes(*field_message(tenant, purpose, text, fold=fold))
    if as_json:
        print_json({"hashes": list(hashes)})
    else:
        click.echo("\n".join(hashes))


def _salts() -> Salts:
    """Those of the settings, or the one in the data folder; a new one would recognise nothing."""
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        raise Refused(str(error)) from error
    kept = settings.data_dir / FILE_NAME
    try:
        text = written(settings.hash_salt)
    except OSError as error:
        raise Refused(f"HASH_SALT: {error}") from error
    try:
        return Salts.parse(_kept(kept) if text is None else text)
    except ValueError as error:
        raise Refused(f"{kept if text is None else 'HASH_SALT'}: {error}") from error


def _kept(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except OSError as error:
        raise Refused(f"there is no salt: set HASH_SALT, or PAYGUARD_DATA_DIR to the gateway's ({error})") from error
