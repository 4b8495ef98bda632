"""``payguard diff``: what changes where one policy takes another's place."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway.cli.policies import as_json, end_with, offline_compiler, plugin_dirs, policy_file, print_json, text_of
from gateway.control.diff import diff as differences
from gateway.control.problems import PolicyError


@click.command()
@click.argument("old", type=policy_file)
@click.argument("new", type=policy_file)
@plugin_dirs
@as_json
def diff(old: str, new: str, directories: tuple[Path, ...], as_json: bool) -> None:
    """Show what changes between two policies.

    Comments, layout and defaults that are written out make no difference.  Exit codes: 0 where the two do the same,
    1 where they differ, 2 where one has problems.
    """
    compiler = offline_compiler(directories)
    try:
        changes = differences(*(compiler.explain(text_of(policy), policy) for policy in (old, new)))
    except PolicyError as error:
        end_with(error, 2)
    if as_json:
        print_json(changes)
    else:
        for change in changes:
            click.echo(str(change))
    sys.exit(1 if changes else 0)
