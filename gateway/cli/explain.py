"""``payguard explain``: what a policy does, every default written out; or what became of a payment, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.cli.admin_port import AdminPort, asks_gateway
from gateway.cli.policies import as_json, end_with, offline_compiler, plugin_dirs, policy_file, print_json, text_of
from gateway.control.explain import render
from gateway.control.problems import PolicyError


@click.command()
@click.argument("policy", type=policy_file, required=False)
@click.option("--request", metavar="ID", help="The id of a request, or of a payment: ask a running gateway.")
@plugin_dirs
@as_json
@asks_gateway
def explain(
    port: AdminPort, policy: str | None, request: str | None, directories: tuple[Path, ...], as_json: bool
) -> None:
    """Show what a policy does, or what became of a payment.

    Of a POLICY: its upstreams, its routes in the order in which they are tried, and what each does in which order.
    Of a recorded payment, by its id or that of its request: what each filter saw and decided, the attempts, its
    states, what resolvers answered, and what happens next.

    Exit codes: 0; 1 where the policy has problems, which are printed, or where there is no such payment or no gateway
    to be asked.
    """
    if (policy is None) == (request is None):
        raise click.UsageError("give a POLICY, or --request ID")
    if policy is not None:
        _explain_policy(policy, directories, as_json)
    elif request is not None:
        _explain_payment(port, request, as_json)


def _explain_policy(policy: str, directories: tuple[Path, ...], as_json: bool) -> None:
    try:
        description = offline_compiler(directories).explain(text_of(policy), policy)
    except PolicyError as error:
        end_with(error, 1)
    if as_json:
        print_json(description)
    else:
        click.echo(render(description), nl=False)


def _explain_payment(port: AdminPort, request: str, as_json: bool) -> None:
    from gateway.cli.payments import find  # noqa: PLC0415 - what policies need not wait for
    from gateway.cli.story import story  # noqa: PLC0415 - as above

    payment = find(port, request)
    decision = port.get(f"/api/v1/decisions/{payment['id']}", missing=True)
    if as_json:
        print_json(payment | {"decision": decision})
    else:
        click.echo(story(payment, datetime.now(UTC), decision), nl=False)
