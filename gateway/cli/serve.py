"""``payguard serve``: run the gateway."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from gateway.cli.policies import plugin_dirs


@click.command()
@click.option("--policy", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The policy to serve.")
@click.option("--host", help="The data port's address.  [PAYGUARD_HOST; 127.0.0.1]")
@click.option("--port", type=int, help="The data port; 0 takes a free one.  [PAYGUARD_PORT; 8080]")
@click.option("--admin-host", help="The admin port's address.  [PAYGUARD_ADMIN_HOST; 127.0.0.1]")
@click.option("--admin-port", type=int, help="The admin port; 0 takes a free one.  [PAYGUARD_ADMIN_PORT; 9901]")
@plugin_dirs
def serve(policy: Path, directories: tuple[Path, ...], **overrides: Any) -> None:
    """Run the gateway, until SIGTERM or Ctrl-C drains it; SIGHUP reads the policy again.

    Exit codes: 0 after a drain, 1 where a second signal cut it short, 2 where it cannot start; stderr then says why.
    """
    from gateway.admin.app import create_admin  # noqa: PLC0415 - other commands need none of it
    from gateway.control.process import serve as run  # noqa: PLC0415
    from gateway.control.settings import load_settings  # noqa: PLC0415
    from gateway.control.start import BadStart, bad_starts  # noqa: PLC0415

    try:
        with bad_starts():
            settings = load_settings(os.environ, plugin_dirs=directories or None, **overrides)
        sys.exit(run(settings, policy, os.environ, create_admin))
    except BadStart as bad:
        for line in bad.lines:
            click.echo(line, err=True)
        sys.exit(2)
