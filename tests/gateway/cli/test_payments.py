"""``payguard payments`` against an admin port over a real ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.explain import explain
from gateway.cli.payments import payments
from gateway.ledger.claims import claim_of
from gateway.ledger.records import State
from tests.gateway.cli.serving import Serving, serving


@pytest.fixture
def port(sqlite_path: Path) -> Iterator[Serving]:
    with serving(sqlite_path) as server:
        yield server


def run(port: Serving, *arguments: str) -> Result:
    return CliRunner().invoke(payments, [*arguments, "--admin", port.url])


def test_a_list_is_a_table_for_people(port: Serving) -> None:
    record = port.payment(State.IN_DOUBT)
    result = run(port, "list")
    assert result.exit_code == 0
    assert record.id in result.output
    assert "in_doubt" in result.output
    assert "4200 eur" in result.output


def test_and_json_for_machines_page_after_page(port: Serving) -> None:
    made = [port.payment().id for _ in range(3)]
    one = json.loads(run(port, "list", "--json", "--limit", "2").output)
    assert [each["id"] for each in one["items"]] == made[:0:-1]
    assert one["next"] is not None
    everything = json.loads(run(port, "list", "--json", "--limit", "2", "--all").output)
    assert [each["id"] for each in everything["items"]] == made[::-1]
    assert everything["next"] is None


def test_what_is_asked_for_narrows_the_list(port: Serving) -> None:
    port.payment()
    stuck = port.payment(State.IN_DOUBT, owner="bob", claim=claim_of("bob", "create-payment", "order-1"))
    for options in (
        ("--state", "in_doubt", "--state", "unresolved"),
        ("--owner", "bob"),
        ("--owner", "bob", "--key", "order-1"),
    ):
        found = json.loads(run(port, "list", "--json", *options).output)["items"]
        assert [each["id"] for each in found] == [stuck.id]


def test_nothing_found_is_said_and_no_failure(port: Serving) -> None:
    result = run(port, "list", "--state", "unresolved")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no payment is so" in result.stderr


def test_a_payment_is_shown_by_its_id_or_that_of_its_request(port: Serving) -> None:
    record = port.payment(request_id="req7")
    for name in (record.id, "req7"):
        result = run(port, "show", name)
        assert result.exit_code == 0
        assert record.id in result.output
        assert "principal" in result.output
    assert json.loads(run(port, "show", "req7", "--json").output)["id"] == record.id


def test_explain_tells_the_story_of_a_request(port: Serving) -> None:
    record = port.payment(State.IN_DOUBT, request_id="req7")
    result = CliRunner().invoke(explain, ["--request", "req7", "--admin", port.url])
    assert result.exit_code == 0
    assert result.output.startswith(f"Payment {record.id}: payment.create, 4200 eur")
    assert "What happens next" in result.output


@pytest.mark.parametrize(
    "arguments", [("show", "nothing"), ("resolve", "nothing", "--state", "failed", "--reason", "it")]
)
def test_what_is_not_there_is_one_line_and_exit_1(port: Serving, arguments: tuple[str, ...]) -> None:
    result = run(port, *arguments)
    assert result.exit_code == 1
    assert "no payment has the id nothing" in result.stderr


def test_a_human_says_what_became_of_it(port: Serving) -> None:
    record = port.payment(State.IN_DOUBT)
    result = run(port, "resolve", record.id, "--state", "failed", "--reason", "the bank says so", "--by", "ada")
    assert result.exit_code == 0, result.stderr
    assert result.output == f"{record.id}: failed, by human:ada via loopback\n"
    assert port.told == ["payment_resolved"]
    again = run(port, "resolve", record.id, "--state", "succeeded", "--reason", "or not")
    assert again.exit_code == 1
    assert "payment_settled" in again.stderr


def test_a_key_is_freed_only_with_the_word_that_it_was_never_executed(port: Serving) -> None:
    record = port.payment(State.IN_DOUBT)
    refused = run(port, "resolve", record.id, "--state", "released", "--reason", "known")
    assert refused.exit_code == 2
    assert "--never-executed" in refused.stderr
    done = run(port, "resolve", record.id, "--state", "released", "--reason", "known", "--never-executed")
    assert done.exit_code == 0, done.stderr
