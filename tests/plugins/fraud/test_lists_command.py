"""``payguard fraud lists`` against an admin port over a real database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plugins.fraud.commands import fraud
from tests.gateway.cli.serving import Serving
from tests.plugins.fraud.desks import serving_desks


@pytest.fixture
def port(sqlite_path: Path) -> Iterator[Serving]:
    with serving_desks(sqlite_path) as server:
        yield server


def run(port: Serving, *words: str) -> Result:
    return CliRunner().invoke(fraud, ["lists", *words, "--admin", port.url])


def test_an_entry_is_put_on_shown_and_taken_off(port: Serving) -> None:
    said = ("--reason", "chargebacks", "--by", "ann")
    added = run(port, "add", "block", "customer", "cus_1", "--for", "30d", *said)
    listed = json.loads(run(port, "show", "block", "--json").output)["items"]
    table = run(port, "show", "--kind", "customer", "--value", "cus_1")
    removed = run(port, "remove", "block", "customer", "cus_1", *said)
    again = run(port, "remove", listed[0]["id"], *said)

    assert added.output == f"{listed[0]['id']}: listed, by human:ann via loopback\n"
    assert listed[0]["id"] in table.output
    assert "cus_1" not in table.output
    assert removed.output == f"{listed[0]['id']}: no longer listed\n"
    assert (again.exit_code, run(port, "show").stderr) == (1, "nobody is listed\n")


@pytest.mark.parametrize(
    "words",
    [
        ("show", "--value", "a"),
        ("remove", "block", "customer", "--reason", "why", "--by", "ann"),
        ("add", "grey", "customer", "a", "--reason", "why"),
    ],
)
def test_what_cannot_be_asked_is_not(port: Serving, words: tuple[str, ...]) -> None:
    assert run(port, *words).exit_code == 2
