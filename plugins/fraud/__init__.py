"""Fraud: a score from 0 to 99 for every payment, from what its keys did before, and what is done about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway import hookimpl

from .desk import DecisionsDesk, Desk
from .filter import Fraud

if TYPE_CHECKING:
    import click


@hookimpl
def register_filters() -> Sequence[type[Fraud]]:
    return [Fraud]


@hookimpl
def register_components() -> Sequence[type[Desk | DecisionsDesk]]:
    return [Desk, DecisionsDesk]


@hookimpl
def register_commands() -> Sequence[click.Command]:
    from .commands import fraud  # noqa: PLC0415 - a gateway that serves needs no commands

    return [fraud]
