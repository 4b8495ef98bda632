"""``payguard payments retries`` against an admin port over a real ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.payments import payments
from gateway.ledger.sql import SqlLedger
from tests.gateway.cli.serving import Serving, serving
from tests.gateway.planning import LONG, attempting, planned


@pytest.fixture
def port(sqlite_path: Path) -> Iterator[Serving]:
    with serving(sqlite_path) as server:
        yield server


def run(port: Serving, *arguments: str) -> Result:
    return CliRunner().invoke(payments, ["retries", *arguments, "--admin", port.url])


def made(port: Serving) -> str:
    async def make(ledger: SqlLedger) -> str:
        return (await planned(ledger, LONG)).id

    return str(port.do(make))


def test_what_is_tried_again_is_a_table_for_people(port: Serving) -> None:
    id = made(port)  # noqa: A001
    result = run(port, "list")

    assert result.exit_code == 0, result.stderr
    for told in (id, "waiting", "1999 eur", "insufficient_funds", "renew", "ada", "in 1"):
        assert told in result.output


def test_and_json_for_machines_page_after_page(port: Serving) -> None:
    ids = [made(port) for _ in range(3)]
    one = json.loads(run(port, "list", "--json", "--limit", "2").output)
    everything = json.loads(run(port, "list", "--json", "--limit", "2", "--all").output)

    assert [each["payment"] for each in one["items"]] == ids[:0:-1]
    assert one["next"] == ids[1]
    assert [each["payment"] for each in everything["items"]] == ids[::-1]
    assert everything["next"] is None
    assert "there are more" in run(port, "list", "--limit", "2").stderr
    after = json.loads(run(port, "list", "--json", "--cursor", ids[1]).output)
    assert [each["payment"] for each in after["items"]] == ids[:1]


def test_nothing_is_said_and_no_failure(port: Serving) -> None:
    result = run(port, "list", "--state", "ended")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "nothing is tried again\n")


def test_a_human_cancels_one(port: Serving) -> None:
    id = made(port)  # noqa: A001
    result = run(port, "cancel", id, "--reason", "paid in cash", "--by", "ada")

    assert (result.exit_code, result.output) == (0, f"{id}: is not tried again\n")
    assert port.told == ["retry_cancelled"]
    again = run(port, "cancel", id, "--reason", "paid in cash")
    assert (again.exit_code, "retry_over" in again.stderr) == (1, True)
    ended = json.loads(run(port, "list", "--state", "ended", "--json").output)["items"]
    assert [(each["payment"], each["reason"]) for each in ended] == [(id, "cancelled")]


def test_an_attempt_that_is_open_is_named(port: Serving) -> None:
    first, attempt = port.do(attempting)

    assert f"the attempt {attempt.id} is open" in run(port, "cancel", first.id, "--reason", "enough").output
    assert json.loads(run(port, "list", "--json").output)["items"][0]["state"] == "attempting"


@pytest.mark.parametrize("id", ["nothing", "a/b", "a?b"])
def test_what_is_not_there_is_one_line_and_exit_1(port: Serving, id: str) -> None:  # noqa: A002
    result = run(port, "cancel", id, "--reason", "because")

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_a_reason_is_asked_for(port: Serving) -> None:
    assert run(port, "cancel", "any").exit_code == 2


def test_the_story_of_a_payment_tells_its_attempts(port: Serving) -> None:
    first, attempt = port.do(attempting)
    shown = CliRunner().invoke(payments, ["show", first.id, "--admin", port.url]).output
    of_attempt = CliRunner().invoke(payments, ["show", attempt.id, "--admin", port.url]).output

    assert f"retry of this: {attempt.id}, reserved" in shown
    assert f"The attempt {attempt.id} is open" in shown
    assert f"retry of {first.id}" in of_attempt
    assert f"By the schedule of {first.id}" in of_attempt
