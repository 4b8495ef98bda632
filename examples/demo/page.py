"""What the demo prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from examples.demo.payments import Row
from examples.demo.town import POLICY, Town

TRY = r"""
curl -i {gateway}/v1/payments -H 'X-User-Id: ada' -H 'Content-Type: application/json' \
  -H "Idempotency-Key: $(date +%s)" \
  -d '{{"amount": 1999, "currency": "eur", "customer": "cus_ada", "card": {{"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}}}}'

curl '{admin}/readyz?verbose'
curl {admin}/metrics
"""  # noqa: E501 -- to be pasted as it is


def console() -> Console:
    """Wide enough for the table also where the output is no terminal."""
    return Console(highlight=False) if Console().is_terminal else Console(highlight=False, width=150)


def table(rows: Sequence[Row]) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    shown.add_column("")
    shown.add_column("what", min_width=12)
    shown.add_column("request", overflow="ellipsis", no_wrap=True, min_width=17, max_width=28)
    shown.add_column("status", no_wrap=True)
    shown.add_column("outcome", overflow="fold", min_width=14)
    shown.add_column("request id", overflow="fold", min_width=16)
    shown.add_column("ms", justify="right", no_wrap=True)
    for row in rows:
        mark = "[green]✓[/]" if row.as_expected else f"[red]✗ not {row.expected}[/]"
        status, took = ("", "") if row.status is None else (str(row.status), f"{row.milliseconds:.1f}")
        shown.add_row(mark, row.what, row.request, status, row.outcome, row.request_id, took)
    return shown


def print_addresses(to: Console, town: Town) -> None:
    to.print(f"\nPayments  {town.gateway_url}   admin  {town.admin_url}   policy  {town.policy}")
    to.print(f"Behind it: the backend {town.backend_url}, the fake Stripe {town.stripe_url}")
    to.print(f"The policy is a copy of {POLICY} that asks after lost answers soon, at the addresses of these two.")
    to.print("\nTry:")
    to.print(TRY.format(gateway=town.gateway_url, admin=town.admin_url), soft_wrap=True, markup=False)
