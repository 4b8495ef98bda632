from __future__ import annotations

from click.testing import CliRunner

from plugins.fraud.commands import fraud


def test_the_group_tells_what_it_has() -> None:
    told = CliRunner().invoke(fraud, ["--help"])

    assert told.exit_code == 0
    assert {"train", "backtest", "lists", "label"} == fraud.commands.keys()
    assert "Train a model on a history of payments" in told.output
