"""``payguard keys``: the keys that seal what is stored and the salts of hashes, made, rotated, counted and retired."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from gateway.cli import key_database
from gateway.cli.admin_port import AdminPort, asks_gateway, login
from gateway.cli.key_file import change_file, new_bytes, new_id, new_token, read_file
from gateway.cli.key_rows import print_keys
from gateway.cli.policies import Refused, as_json, print_json
from gateway.control.key_files import file_of
from gateway.control.settings import Settings, SettingsError, load_settings
from gateway.crypto.salts import FILE_NAME
from gateway.crypto.written import ID

_PATH = "/api/v1/keys"
_POLLS = 0.3
_TAKEN_WITHIN = 600.0
"""Seconds that a gateway may take to use a new key: the delay of PAYGUARD_KEY_DELAY, and what a mount takes."""

_COUNTS_WITHIN = 600.0
"""Seconds that a gateway may take to count what is stored, in steps beside its payments."""


def _identifier(_: click.Context, __: click.Parameter, value: str | None) -> str:
    if value is not None and not ID.fullmatch(value):
        raise click.BadParameter("an id is letters, digits, - and _, at most 32")
    return value or new_id()


_id = click.option("--id", "id_", callback=_identifier, help="Its id.  [default: today's date and four digits]")
_salt = click.option("--salt", is_flag=True, help="HASH_SALT instead of ENCRYPTION_KEY.")


@click.group()
def keys() -> None:
    """Make, rotate and retire the keys that encrypt what is stored, and the salts of hashes.

    Exit codes: 0, or 1 where a gateway refuses or cannot be asked, or nothing was rotated, or 2 where settings are
    wrong.
    """


@keys.command("generate")
@_id
@_salt
@click.option("--token", is_flag=True, help="A token of the admin port instead.")
@click.option(
    "--file", "path", type=click.Path(path_type=Path), help="Append it to this file, made for its owner only."
)
def generate(id_: str, *, salt: bool, token: bool, path: Path | None) -> None:  # noqa: ARG001 - a salt is as long
    """Print a new key, id:hex; or append it to a file, where it decrypts and does not encrypt yet."""
    if token:
        click.echo(new_token())
    elif path is None:
        click.echo(f"{id_}:{new_bytes().hex()}")
    else:
        _change(path, lambda kept: {**kept, _fresh(id_, kept): new_bytes()})
        click.echo(f"{path}: {id_} is the last of {len(read_file(path))}")


@keys.command("rotate")
@_id
@_salt
@click.option(
    "--file", "path", type=click.Path(path_type=Path), help="The file.  [default: that which the setting names]"
)
@click.option("--reencrypt", is_flag=True, help="Then encrypt anew what a running gateway stores, and wait for it.")
@asks_gateway
def rotate(port: AdminPort, id_: str, *, salt: bool, path: Path | None, reencrypt: bool) -> None:
    """Put a new key before those of the file: it encrypts from now on, and they decrypt.

    A running gateway takes it by itself.  Where keys are in the environment, this says what to do.
    """
    if reencrypt and salt:
        raise click.UsageError("--reencrypt goes with ENCRYPTION_KEY: hashes cannot be made anew")
    settings = _settings()
    path = path or _file(settings, salt=salt)
    if path is None:
        _tell_by_hand("HASH_SALT" if salt else "ENCRYPTION_KEY", id_)
    _change(path, lambda kept: {_fresh(id_, kept): new_bytes(), **kept})
    click.echo(
        f"{path}: {', '.join(read_file(path))}; the first is used once every gateway has it, the others stay known"
    )
    if reencrypt:
        _wait_for(port, id_)
        _reencrypt(port)


@keys.command("status")
@click.option("--database", is_flag=True, help="Ask the database of the settings instead of a gateway.")
@click.option("--count/--no-count", default=True, help="Count what is stored with each; on by default.")
@as_json
@asks_gateway
def status(port: AdminPort, *, database: bool, count: bool, as_json: bool) -> None:
    """Show the keys and salts: since when, how often used, and how many stored values need each."""
    asked = {"count": "true"} if count else {}
    found = key_database.status(count=count) if database else port.get(_PATH, asked, within=_COUNTS_WITHIN)
    print_json(found) if as_json else print_keys(found)


@keys.command("reencrypt")
@click.option("--wait/--no-wait", default=True, help="Wait for its end; on by default.")
@asks_gateway
def reencrypt(port: AdminPort, *, wait: bool) -> None:
    """Encrypt anew, with the first key, whatever a running gateway stores; payments pass meanwhile.

    It goes on where it was when the gateway is killed, and can be asked for again at any time.
    """
    _reencrypt(port, wait=wait)


@keys.command("retire")
@click.argument("id_", metavar="ID")
@click.option(
    "--lost", is_flag=True, help="In the database itself: give up what still needs it, which nobody can read."
)
@asks_gateway
def retire(port: AdminPort, id_: str, *, lost: bool) -> None:
    """Take a key away that nothing stored needs any more; refused, with their number, while something does.

    Tokens that were given out are not stored here and cannot be counted: see to them first.
    """
    if lost:
        click.echo(f"{id_}: {key_database.give_up(id_)}")
        return
    answer = port.post(f"{_PATH}/{id_}/retire", {"by": login()}, within=_COUNTS_WITHIN)
    if not answer["present"]:
        click.echo(f"{id_}: retired")
    elif answer["file"] is None:
        click.echo(f"{id_}: nothing stored needs it: take it out of ENCRYPTION_KEY and restart")
    else:
        path = Path(answer["file"])
        _change(path, lambda kept: {key: value for key, value in kept.items() if key != id_})
        click.echo(f"{id_}: taken out of {path}")


def _reencrypt(port: AdminPort, *, wait: bool = True) -> None:
    asked = port.post(f"{_PATH}/reencrypt", {"by": login()})
    if not asked["began"]:
        click.echo("one is under way already", err=True)
    walk = asked["reencryption"]
    while wait and walk["done_at"] is None:
        time.sleep(_POLLS)
        walk = port.get(_PATH)["reencryption"]
    if not wait:
        click.echo("re-encrypting: payguard keys status shows how far it is")
        return
    click.echo(f"{walk['moved']} values encrypted anew; {walk['unreadable']} do not open and were left as they are")
    if walk["unreadable"]:
        raise SystemExit(1)


def _wait_for(port: AdminPort, id_: str) -> None:
    until = time.monotonic() + _TAKEN_WITHIN
    while time.monotonic() < until:
        found = port.get(_PATH)
        if "ENCRYPTION_KEY" in found["rejected"]:
            raise click.ClickException(f"the gateway does not take it: {found['rejected']['ENCRYPTION_KEY']}")
        if any(each["id"] == id_ and each["use"] == "first" for each in found["items"]):
            return
        time.sleep(_POLLS)
    raise click.ClickException(f"{port.url} does not use {id_} yet: is its key in this file? payguard keys status")


def _change(path: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
    try:
        change_file(path, change)
    except ValueError as error:
        raise Refused(f"{path}: {error}") from error
    except OSError as error:
        why = f"cannot write {path}: {error.strerror or error}"
        raise click.ClickException(
            f"{why}. Of a mounted Secret change the Secret itself: docs/kubernetes.md"
        ) from error


def _fresh(id_: str, kept: dict[str, bytes]) -> str:
    if id_ in kept:
        raise click.ClickException(f"there is a key with the id {id_} already; give the new one another, with --id")
    return id_


def _file(settings: Settings, *, salt: bool) -> Path | None:
    given = settings.hash_salt if salt else settings.encryption_key
    if given is None:
        return settings.data_dir / FILE_NAME if salt else None
    return file_of(given.get_secret_value())


def _tell_by_hand(setting: str, id_: str) -> NoReturn:
    click.echo(f"{id_}:{new_bytes().hex()}")
    raise click.ClickException(
        f"nothing was rotated: {setting} is not in a file. Put what is above, and a comma, before what it holds, on "
        f"every gateway, and restart; or keep it in a file ({setting}=file:/path), which needs no restart"
    )


def _settings() -> Settings:
    try:
        return load_settings(os.environ)
    except SettingsError as error:
        raise Refused(str(error)) from error
