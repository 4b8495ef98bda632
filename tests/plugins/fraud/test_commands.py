"""The group of commands."""

from __future__ import annotations

from click.testing import CliRunner

from plugins.fraud.commands import fraud


def test_each_command_says_what_it_does() -> None:
    told = CliRunner().invoke(fraud, ["--help"]).output

    assert {"train", "backtest", "lists", "label"} <= set(fraud.commands)
    assert all(name in told for name in fraud.commands)
