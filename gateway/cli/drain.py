"""``payguard drain``: tell a running gateway that it will stop, before it is told to."""

from __future__ import annotations

import time

import click

from gateway.cli.admin_port import AdminPort, asks_gateway


@click.command()
@asks_gateway
@click.option("--wait", is_flag=True, help="Return once the drain delay is over.")
def drain(port: AdminPort, wait: bool) -> None:
    """Turn readiness off; the gateway serves on.  What a pod's preStop runs.

    The drain delay counts from now: a SIGTERM that follows waits for what is left of it.  Exit codes: 0, or 1 where
    the gateway cannot be asked or refuses.
    """
    answer = port.post("/drain")
    try:
        remaining = float(answer["remaining"])
    except (KeyError, TypeError, ValueError) as error:
        raise click.ClickException(f"what answers at {port.url} is not a gateway's admin port") from error
    click.echo(f"draining: the gateway serves new connections for another {remaining:.1f} s")
    if wait:
        time.sleep(remaining)
