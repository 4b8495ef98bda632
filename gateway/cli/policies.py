"""What the commands on policies share: their options, and a compiler that needs no running gateway."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click
import orjson

from gateway.control.compiler import Compiler
from gateway.control.core_parts import COMPONENTS
from gateway.control.plugins import PluginError, Plugins, load_plugins
from gateway.control.problems import PolicyError
from gateway.control.scope import Services
from gateway.control.settings import SettingsError, load_settings
from gateway.crypto.salts import Salts
from gateway.store.memory import MemoryStore

plugin_dirs = click.option(
    "--plugin-dir",
    "directories",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Also load what lies in this directory; may be given more than once.  [PAYGUARD_PLUGIN_DIRS]",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
policy_file = click.Path(exists=True, dir_okay=False, allow_dash=True)


class Refused(click.ClickException):
    """Settings, plugins or files that nothing can be done with."""

    exit_code = 2


def loaded(directories: Sequence[Path]) -> Plugins:
    try:
        return load_plugins(load_settings(os.environ, plugin_dirs=tuple(directories) or None))
    except (SettingsError, PluginError) as error:
        raise Refused(str(error)) from error


def offline_compiler(directories: Sequence[Path]) -> Compiler:
    """What it compiles is looked at and never served, so it keeps nothing and its hashes need not last."""
    salts = Salts([("unused", secrets.token_bytes(32))])
    services = Services(store=MemoryStore(), salts=salts, environ=os.environ)
    return Compiler(loaded(directories).registry, services, components=COMPONENTS)


def text_of(policy: str) -> str:
    try:
        with click.open_file(policy, encoding="utf-8") as file:
            return str(file.read())
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{policy} cannot be read: {error}") from error


def print_json(value: object) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def end_with(error: PolicyError, code: int) -> NoReturn:
    """The question cannot be answered of a policy with problems."""
    click.echo(str(error), err=True)
    sys.exit(code)
