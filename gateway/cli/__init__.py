"""The command line: one file per command group, imported when it is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module

import click

from gateway.spelling import did_you_mean

BUILT_IN: Mapping[str, str] = {
    name: f"gateway.cli.{name}"
    for name in (
        "check",
        "explain",
        "diff",
        "schema",
        "serve",
        "drain",
        "plugins",
        "ledger",
        "payments",
        "hash",
        "keys",
        "blocks",
        "audit",
        "vault",
        "cache",
        "demo",
    )
}
"""Each command of the core and its module, which holds it under the same name."""


class Commands(click.Group):
    """The core's commands, and those of the plugins that the settings name.

    Plugins are loaded only where a name is not the core's, or help is asked for.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        try:
            added = sorted(_plugin_commands())
        except click.ClickException as error:
            error.show()  # help is asked for most where something is wrong
            added = []
        return [*BUILT_IN, *added]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in BUILT_IN:
            command: click.Command = getattr(import_module(BUILT_IN[cmd_name]), cmd_name)
            return command
        commands = _plugin_commands()
        if cmd_name not in commands and not ctx.resilient_parsing:
            ctx.fail(f"there is no command {cmd_name!r}{did_you_mean(cmd_name, [*BUILT_IN, *commands])}")
        return commands.get(cmd_name)


def _plugin_commands() -> dict[str, click.Command]:
    from gateway.cli.policies import loaded  # noqa: PLC0415 - the core's commands should not wait for it

    commands = {str(command.name): command for command in loaded(()).commands}
    if taken := sorted(commands.keys() & BUILT_IN.keys()):
        raise click.ClickException(f"a plugin's command is called {taken[0]!r}, as one of payguard's own: rename it")
    return commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="payguard", prog_name="payguard")
def payguard() -> None:
    """A sidecar gateway for payment backends: policies, plugins, and what became of each payment.

    \b
    Exit codes
      0  done
      1  the answer is no: problems were found, policies differ, a gateway refuses
      2  it cannot start, or was asked in the wrong way; stderr says why
    """  # noqa: D301 - click's mark for lines to keep


def main() -> None:
    """The console script.  A reader that goes away, as ``head`` does, is no error."""
    try:
        payguard(prog_name="payguard")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
