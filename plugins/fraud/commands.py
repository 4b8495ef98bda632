"""``payguard fraud``: one command per task, each in its module."""

from __future__ import annotations

import click

from .offline.commands import backtest_command, train_command


@click.group()
def fraud() -> None:
    """Train fraud models, and look at history with them."""


fraud.add_command(train_command)
fraud.add_command(backtest_command)
