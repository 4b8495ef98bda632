"""``payguard schema``: the JSON Schema of policies, for editors."""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from gateway.cli.policies import as_json, loaded, plugin_dirs, print_json
from gateway.control.core_parts import COMPONENTS
from gateway.control.schema import policy_schema


@click.command()
@plugin_dirs
@as_json
def schema(directories: tuple[Path, ...], as_json: bool) -> None:
    """Print the JSON Schema of policies.

    It holds the options of every loaded plugin.

    \b
    In an editor with yaml-language-server, begin a policy with
      # yaml-language-server: $schema=policy.schema.json

    It is JSON in any case; --json prints it without line breaks.
    """  # noqa: D301 - click's mark for lines to keep
    described = policy_schema(loaded(directories).registry, COMPONENTS)
    if as_json:
        click.echo(orjson.dumps(described))
    else:
        print_json(described)
