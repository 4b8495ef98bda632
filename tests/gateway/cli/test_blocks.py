"""``payguard blocks`` against an admin port that has a block list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.blocks import blocks
from gateway.testing import HandScope
from plugins.rate_limit.blocks import Blocks, BlocksConfig
from tests.gateway.cli.serving import Serving, serving

WHY = ("--reason", "scans for cards")


@pytest.fixture
def port(sqlite_path: Path) -> Iterator[Serving]:
    lent = HandScope()
    with serving(sqlite_path, [Blocks(BlocksConfig(), lent)]) as server:
        yield server


@pytest.fixture
def bare(sqlite_path: Path) -> Iterator[Serving]:
    with serving(sqlite_path) as server:
        yield server


def run(port: Serving, *arguments: str) -> Result:
    return CliRunner().invoke(blocks, [*arguments, "--admin", port.url])


def test_what_is_added_is_listed_with_who_and_why_and_removed_by_its_value(port: Serving) -> None:
    added = run(port, "add", "ip", "203.0.113.7", "--for", "15m", *WHY, "--by", "ada")
    assert added.exit_code == 0, added.output
    assert "blocked, by human:ada via loopback" in added.output
    listed = run(port, "list")
    assert "ip:test:" in listed.output
    assert "scans for cards" in listed.output
    removed = run(port, "remove", "ip", "203.0.113.7", *WHY)
    assert "no longer blocked" in removed.output
    assert "nobody is blocked" in run(port, "list").output


def test_and_by_the_id_that_the_list_shows(port: Serving) -> None:
    run(port, "add", "user", "eve", "--for", "1h", *WHY)
    [block] = json.loads(run(port, "list", "--json").output)["items"]
    assert json.loads(run(port, "remove", block["id"], *WHY, "--json").output) == {"removed": [block["id"]]}


def test_a_list_is_of_a_kind_or_of_a_value_and_has_every_page(port: Serving) -> None:
    for number in range(60):
        run(port, "add", "ip", f"203.0.113.{number}", "--for", "1h", *WHY)
    run(port, "add", "user", "eve", "--for", "1h", *WHY)

    assert len(json.loads(run(port, "list", "--json", "--kind", "ip").output)["items"]) == 60
    assert len(json.loads(run(port, "list", "--json", "--kind", "user", "--value", "eve").output)["items"]) == 1


def test_what_is_not_there_cannot_be_removed(port: Serving) -> None:
    result = run(port, "remove", "ip", "203.0.113.7", *WHY)
    assert result.exit_code == 1
    assert "There is no such block" in result.output


def test_what_is_wrong_is_said(port: Serving) -> None:
    refused = run(port, "add", "ip", "203.0.113.7", "--for", "15", *WHY)
    assert (refused.exit_code, "needs its unit" in refused.output or "duration" in refused.output) == (1, True)
    assert run(port, "list", "--value", "a").exit_code == 2
    assert run(port, "remove", "a", "b", "c", *WHY).exit_code == 2


def test_a_gateway_whose_policy_has_no_limits_has_no_block_list(bare: Serving) -> None:
    result = run(bare, "list")
    assert result.exit_code == 1
    assert "No component of the policy is called blocks" in result.output
