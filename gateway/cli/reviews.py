"""``payguard payments approve`` and ``reject``: a reviewer's word on a payment that is held."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

from gateway.cli.admin_port import AdminPort, asks_gateway, login
from gateway.cli.policies import as_json, print_json

_PATH = "/api/v1/payments"


def _reviewed(command: Callable[..., None]) -> Callable[..., None]:
    """What both commands take."""
    command = as_json(asks_gateway(command))
    command = click.option("--by", metavar="NAME", help="The reviewer.  [default: the name you are logged in with]")(
        command
    )
    command = click.option("--reason", required=True, help="Why; recorded with your name and the time.")(command)
    return click.argument("id")(command)


@click.command("approve")
@_reviewed
def approve(port: AdminPort, id: str, reason: str, by: str | None, *, as_json: bool) -> None:  # noqa: A002
    """Have the held payment ID sent, once."""
    _decide(port, id, "approve", reason, by, as_json=as_json)


@click.command("reject")
@_reviewed
def reject(port: AdminPort, id: str, reason: str, by: str | None, *, as_json: bool) -> None:  # noqa: A002
    """Let the held payment ID fail: it is never sent."""
    _decide(port, id, "reject", reason, by, as_json=as_json)


def _decide(port: AdminPort, id: str, word: str, reason: str, by: str | None, *, as_json: bool) -> None:  # noqa: A002
    if not re.fullmatch(r"[^/?#\s]+", id):
        raise click.ClickException(f"{id!r} is no id of a payment")
    reviewer = by or login()
    if reviewer is None:
        raise click.UsageError("nobody is logged in here: say who decides with --by NAME")
    decided: dict[str, Any] = port.post(f"{_PATH}/{id}/{word}", {"reason": reason, "by": reviewer})
    if as_json:
        print_json(decided)
    else:
        click.echo(f"{decided['id']}: {decided['state']}, by {decided['history'][-1]['by']}")
