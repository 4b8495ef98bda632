"""``payguard fraud``: one command per task, each in its module."""

from __future__ import annotations

import click


@click.group()
def fraud() -> None:
    """Train fraud models, and look at history with them."""
