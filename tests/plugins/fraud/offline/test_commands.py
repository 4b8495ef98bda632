from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner

from bench.fraud_simulator import Payment, World
from plugins.fraud.models import load_model
from plugins.fraud.offline.commands import backtest_command, train_command

POLICY = """\
version: 1
upstreams: {{bank: {{url: "http://127.0.0.1:9"}}}}
routes:
  - name: pay
    match: {{path: /}}
    upstream: bank
    filters: [{filters}]
"""


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    path = tmp_path_factory.mktemp("history") / "payments.csv"
    with path.open("w", newline="") as file:
        written = csv.writer(file)
        written.writerow(Payment._fields)
        written.writerows(World(0, 100, 100, 30).payments())
    return path


def test_a_history_becomes_a_model_that_loads(history, tmp_path) -> None:
    out = tmp_path / "model.json"

    told = CliRunner().invoke(train_command, [str(history), "--model", "logistic", "--out", str(out)])

    assert told.exit_code == 0, told.output
    model = load_model(out)
    assert f"{out}: logistic {model.version}, trained on " in told.output
    assert "left out: account_age_days, " in told.output
    assert json.loads(out.read_text())["trained"]["frauds"] > 20


def test_too_little_to_learn_from_is_an_answer_and_no_file(history, tmp_path) -> None:
    out = tmp_path / "model.json"
    late = ["--from", "2025-10-22"]

    told = CliRunner().invoke(train_command, [str(history), "--model", "trees", "--out", str(out), *late])

    assert told.exit_code == 1
    assert "and trees needs 150" in told.output
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--column", "amount"], "--column amount: write FIELD=NAME"),
        (["--column", "amount=cents"], "there is no column 'cents'"),
        (["--from", "soon"], "--from soon: Invalid isoformat string"),
    ],
)
def test_options_that_say_nothing_are_refused(history, tmp_path, options, message) -> None:
    told = CliRunner().invoke(
        train_command, [str(history), "--model", "logistic", "--out", str(tmp_path / "model.json"), *options]
    )

    assert told.exit_code == 2
    assert message in told.output


def test_a_policy_without_the_filter_is_none_to_look_at(history, tmp_path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(filters="require_json"))

    told = CliRunner().invoke(backtest_command, [str(history), "--policy", str(policy)])

    assert told.exit_code == 2
    assert "no route of it has a filter fraud" in told.output


def test_a_policy_with_problems_says_them(history, tmp_path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(filters="no_such_filter"))

    told = CliRunner().invoke(backtest_command, [str(history), "--policy", str(policy)])

    assert told.exit_code == 2
    assert "no_such_filter" in told.output
