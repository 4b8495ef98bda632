"""``payguard fraud``: one command per task, each in its module."""

from __future__ import annotations

import click

from .label_command import label
from .lists_command import lists
from .offline.commands import backtest_command, train_command


@click.group()
def fraud() -> None:
    """Train fraud models, look at history with them, and tell a gateway what people know."""


for command in (train_command, backtest_command, lists, label):
    fraud.add_command(command)
