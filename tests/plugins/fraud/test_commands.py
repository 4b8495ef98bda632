from __future__ import annotations

import subprocess
import sys

from click.testing import CliRunner

from plugins.fraud.commands import fraud


def test_the_group_tells_what_it_has() -> None:
    told = CliRunner().invoke(fraud, ["--help"])

    assert told.exit_code == 0
    assert {"train", "backtest", "lists", "label"} == fraud.commands.keys()
    assert "Train a model on a history of payments" in told.output


def test_what_trains_is_not_imported_before_something_is_trained() -> None:
    heavy = "{'sklearn', 'lightgbm', 'numpy', 'pyarrow', 'matplotlib', 'disposable_email_domains'}"
    script = f"import sys, plugins.fraud.commands, plugins.fraud.models; print({heavy} & set(sys.modules))"

    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert told.stdout == "set()\n"
