"""``payguard demo``: Payguard on this machine, in front of a payment backend and a fake Stripe of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

CHECKOUT = Path(__file__).parents[2]


@click.command()
@click.option("--once", is_flag=True, help="End after the table; exit 1 where a payment did not go as it must.")
def demo(once: bool) -> None:
    """Send payments through a gateway in front of a small backend, and show what became of them.

    Needs a checkout of the repository: the backend and the fake Stripe lie under examples/.
    """
    if not (CHECKOUT / "examples" / "demo").is_dir():
        raise click.UsageError("The demo runs from a checkout of the repository; examples/ is not installed")
    os.chdir(CHECKOUT)
    arguments = [sys.executable, "-m", "examples.demo", *(["--once"] if once else [])]
    # replaced, not started: the terminal's signals reach the demo alone
    os.execv(sys.executable, arguments)  # noqa: S606 -- our own interpreter, no shell
