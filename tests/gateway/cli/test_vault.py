"""``payguard vault`` against an admin port whose policy has a vault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.vault import vault
from gateway.testing import HandScope
from plugins.tokenise.options import VaultConfig
from plugins.tokenise.vault import Vault, Wanted
from tests.gateway.cli.serving import Serving, serving

CARD = "4242424242424242"
WHY = ("--reason", "asked to be forgotten")


@pytest.fixture
def lent() -> HandScope:
    """Its database is the one that the admin port serves with, once that runs."""
    return HandScope()


@pytest.fixture
def port(sqlite_path: Path, lent: HandScope) -> Iterator[Serving]:
    with serving(sqlite_path, [Vault(VaultConfig(), lent)]) as server:
        lent.tables = server.database
        yield server


def run(port: Serving, *arguments: str) -> Result:
    return CliRunner().invoke(vault, [*arguments, "--admin", port.url])


def test_it_is_told_how_much_there_is_and_a_token_is_forgotten(port: Serving, lent: HandScope) -> None:
    made = Vault(VaultConfig(), lent)
    token = port.do(lambda _: made.token(Wanted(CARD, made.cards(CARD, None))))
    assert "1 tokens of the tenant test" in run(port, "status").output
    assert json.loads(run(port, "status", "--json").output)["entries"] == 1
    assert run(port, "forget", token, *WHY).output == "forgotten: 1\n"
    again = run(port, "forget", token, *WHY)
    assert again.exit_code == 1
    assert "no such token" in again.output


def test_all_of_a_customer_s_are_forgotten(port: Serving, lent: HandScope) -> None:
    made = Vault(VaultConfig(), lent)
    port.do(lambda _: made.token(Wanted(CARD, (), made.customers("ada")[0])))
    assert json.loads(run(port, "forget", "--customer", "ada", *WHY, "--json").output) == {"forgotten": 1}


def test_it_is_said_what_to_forget(port: Serving) -> None:
    for arguments in ((), ("tok_x", "--customer", "ada")):
        assert run(port, "forget", *arguments, *WHY).exit_code == 2


def test_a_gateway_without_a_vault_says_so(sqlite_path: Path) -> None:
    with serving(sqlite_path) as bare:
        told = run(bare, "status")
    assert told.exit_code == 1
