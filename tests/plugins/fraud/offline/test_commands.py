"""The commands as somebody gives them: files in, a report or a model's file out."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from bench.fraud_simulator import Payment, World
from gateway.cli import payguard
from plugins.fraud.models import load_model
from plugins.fraud.offline.commands import backtest_command, train_command

POLICY = """\
version: 1
upstreams: {{bank: {{url: "http://127.0.0.1:9"}}}}
routes:
  - name: pay
    match: {{methods: [POST], path: /}}
    upstream: bank
    payment: {{operation: payment.create, amount: /amount, currency: /currency, unit: minor}}
    filters: [{filters}]
"""
LIVE = "{fraud: {review_at: 65, block_at: 85}}"
NEW = '{fraud: {review_at: 40, block_at: 60, rules: [{code: big, when: {amount: "> 220"}, then: block}]}}'


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    path = tmp_path_factory.mktemp("history") / "payments.csv"
    with path.open("w", newline="") as file:
        written = csv.writer(file)
        written.writerow(Payment._fields)
        written.writerows(World(0, 100, 100, 30).payments())
    return path


def test_a_history_becomes_a_model_that_loads(history, tmp_path) -> None:
    out, until = tmp_path / "model.json", "2025-10-29"

    told = CliRunner().invoke(train_command, [str(history), "--model", "logistic", "--out", str(out), "--until", until])

    assert told.exit_code == 0, told.output
    model = load_model(out)
    assert f"{out}: logistic {model.version}, trained on " in told.output
    assert "left out: account_age_days, " in told.output
    assert json.loads(out.read_text())["trained"]["frauds"] > 20
    assert model.trained_to <= datetime(2025, 10, 22, tzinfo=UTC).timestamp()


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
        (["--label-delay", "-1"], "-1.0 is not in the range"),
    ],
)
def test_options_that_say_nothing_are_refused(history, tmp_path, options, message) -> None:
    told = CliRunner().invoke(
        train_command, [str(history), "--model", "logistic", "--out", str(tmp_path / "model.json"), *options]
    )

    assert told.exit_code == 2
    assert message in told.output


@pytest.fixture(scope="module")
def looked_at(history, tmp_path_factory):
    """A policy against the one in force: the report as JSON, and as a page."""
    folder = tmp_path_factory.mktemp("policies")
    live, new, html = folder / "live.yaml", folder / "new.yaml", folder / "report.html"
    live.write_text(POLICY.format(filters=LIVE))
    new.write_text(POLICY.format(filters=NEW))
    asked = ["fraud", "backtest", history, "--policy", new, "--against", live, "--report", html, "--json"]
    told = CliRunner().invoke(payguard, list(map(str, asked)))
    assert told.exit_code == 0, told.output
    return json.loads(told.stdout), html.read_text()


def test_a_policy_is_looked_at_against_the_one_in_force(history, looked_at) -> None:
    report, _ = looked_at
    with history.open(newline="") as file:
        paid = {each["id"]: each for each in csv.DictReader(file)}

    assert report["payments"] + report["too_recent"] == len(paid)
    assert (report["review_at"], report["block_at"]) == (40, 60)
    assert report["rules"]["big"]["payments"] == report["rules"]["big"]["frauds"] > 0
    assert report["flips"]["turns"]["allow → block"]["frauds"] > 0
    assert {each["id"]: (each["amount"], each["fraud"]) for each in report["flips"]["largest"]} == {
        each["id"]: (int(paid[each["id"]]["amount"]) / 100, paid[each["id"]]["fraud"] == "1")
        for each in report["flips"]["largest"]
    }


def test_its_page_shows_the_curve_and_who_flips(looked_at) -> None:
    report, page = looked_at

    assert "<svg" in page
    assert "review from 40" in page
    assert all(f"<td>{each['id']}</td>" in page for each in report["flips"]["largest"])


def test_labels_from_a_file_of_their_own_are_what_is_learned_from(history, tmp_path) -> None:
    labels, out = tmp_path / "labels.csv", tmp_path / "model.json"
    labels.write_text("id,fraud\n" + "".join(f"p{number},0\n" for number in range(10_000)) + "p4000,1\n")
    asked = [history, "--labels", labels, "--model", "logistic", "--out", out]

    told = CliRunner().invoke(train_command, list(map(str, asked)))

    assert told.exit_code == 1
    assert "1 frauds have labels that were due, and logistic needs 20" in told.output


def test_what_cannot_be_written_is_said_before_anything_is_computed(history, tmp_path) -> None:
    out = tmp_path / "nowhere" / "model.json"

    told = CliRunner().invoke(train_command, [str(history), "--model", "trees", "--out", str(out)])

    assert told.exit_code == 2
    assert f"{out} cannot be written" in told.output


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
