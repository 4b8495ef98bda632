"""``payguard vault``: how much the vault of a running gateway holds, and that it forgets."""

from __future__ import annotations

import click

from gateway.cli.admin_port import AdminPort, asks_gateway, login
from gateway.cli.policies import as_json, print_json

_PATH = "/api/v1/vault"


@click.group()
def vault() -> None:
    """See how much the vault holds, and let it forget.

    They ask a running gateway whose policy has a tokenise.  Exit codes: 0, or 1 where there is no such token, or the
    gateway refuses or cannot be asked.
    """


@vault.command("status")
@as_json
@asks_gateway
def status(port: AdminPort, *, as_json: bool) -> None:
    """Show how many tokens there are, the keys that sealed them, and what was done with them since the start."""
    told = port.get(_PATH)
    if as_json:
        print_json(told)
        return
    click.echo(f"{told['entries']} tokens of the tenant {told['tenant']}, {told['expired']} of them expired")
    for key, count in told["keys"].items():
        click.echo(f"  sealed with the key {key}: {count}")
    done = ", ".join(f"{number} {what}" for what, number in told["since_start"].items())
    click.echo(f"since the policy was activated: {done}")


@vault.command("forget")
@click.argument("kept", required=False, metavar="TOKEN")
@click.option("--customer", help="Forget every token of this customer instead.")
@click.option("--reason", required=True, help="Why; recorded with your name.")
@click.option("--by", metavar="NAME", help="Who says so.  [default: the name you are logged in with]")
@as_json
@asks_gateway
def forget(
    port: AdminPort, kept: str | None, *, customer: str | None, reason: str, by: str | None, as_json: bool
) -> None:
    """Forget TOKEN: the number behind it is removed, and nobody gets it again."""
    if (kept is None) == (customer is None):
        raise click.UsageError("say a token, or --customer")
    asked = {"token": kept, "customer": customer, "reason": reason, "by": by or login()}
    told = port.post(f"{_PATH}/forget", {name: given for name, given in asked.items() if given is not None})
    if as_json:
        print_json(told)
    else:
        click.echo(f"forgotten: {told['forgotten']}")
