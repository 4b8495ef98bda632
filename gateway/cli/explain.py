"""``payguard explain``: what a policy does, every default written out."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.policies import as_json, end_with, offline_compiler, plugin_dirs, policy_file, print_json, text_of
from gateway.control.explain import render
from gateway.control.problems import PolicyError


@click.command()
@click.argument("policy", type=policy_file)
@plugin_dirs
@as_json
def explain(policy: str, directories: tuple[Path, ...], as_json: bool) -> None:
    """Show what a policy does.

    Its upstreams, its routes in the order in which they are tried, and what each does in which order.

    Exit codes: 0, or 1 where the policy has problems, which are printed.
    """
    try:
        description = offline_compiler(directories).explain(text_of(policy), policy)
    except PolicyError as error:
        end_with(error, 1)
    if as_json:
        print_json(description)
    else:
        click.echo(render(description), nl=False)
