"""``payguard check``: every problem of policies, before a gateway is asked to serve them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway.cli.policies import as_json, offline_compiler, plugin_dirs, policy_file, print_json, text_of


@click.command()
@click.argument("policies", metavar="POLICY...", nargs=-1, required=True, type=policy_file)
@plugin_dirs
@as_json
def check(policies: tuple[str, ...], directories: tuple[Path, ...], as_json: bool) -> None:
    """Find every problem of policies.

    Each is printed with its file, line, column and path.  Exit codes: 0 where each policy can be served, warnings or
    not; 1 where one has problems; 2 where one cannot be read or a plugin cannot be loaded.
    """
    compiler = offline_compiler(directories)
    found = {policy: compiler.check(text_of(policy), policy) for policy in policies}
    wrong = {policy for policy, problems in found.items() if any(each.level == "error" for each in problems)}
    if as_json:
        print_json({"ok": not wrong, "problems": [problem for problems in found.values() for problem in problems]})
    else:
        for policy, problems in found.items():
            for problem in problems:
                click.echo(str(problem))
            if policy not in wrong:
                click.echo(f"{policy}: ok")
    sys.exit(1 if wrong else 0)
