from __future__ import annotations

import json

from click.testing import CliRunner

from gateway.cli import payguard
from gateway.crypto.fields import field_message
from gateway.crypto.salts import Salts

SALTS = f"new:{'11' * 16},old:{'22' * 16}"


def run(*arguments: str, given: str | None = None, **environ: str):
    return CliRunner().invoke(payguard, ["hash", *arguments], input=given, env=environ)


def test_a_value_is_hashed_as_the_filter_does_with_every_salt_that_is_still_known() -> None:
    said = run("--tenant", "shop", "--purpose", "email", "--fold", " Ada@Example.org", HASH_SALT=SALTS)
    expected = Salts.parse(SALTS).hashes(*field_message("shop", "email", "ada@example.org"))
    assert said.output.splitlines() == list(expected)
    assert [each.partition(":")[0] for each in expected] == ["new", "old"]


def test_a_value_may_come_by_standard_input_and_its_line_s_end_is_none_of_it() -> None:
    by_argument = run("--json", "4242", HASH_SALT=SALTS)
    by_input = run("--json", given="4242\n", HASH_SALT=SALTS)
    assert json.loads(by_argument.output) == json.loads(by_input.output)
    assert len(json.loads(by_input.output)["hashes"]) == 2


def test_the_salt_that_a_gateway_made_is_found_in_its_data_folder(tmp_path) -> None:
    (tmp_path / "hash_salt").write_text("33" * 32)
    said = run("4242", PAYGUARD_DATA_DIR=str(tmp_path))
    assert said.output.strip() == Salts.parse("33" * 32).hash(*field_message("default", "field", "4242"))


def test_where_there_is_no_salt_none_is_made(tmp_path) -> None:
    said = run("4242", PAYGUARD_DATA_DIR=str(tmp_path))
    assert said.exit_code == 2
    assert "there is no salt: set HASH_SALT" in said.output
    assert list(tmp_path.iterdir()) == []


def test_a_salt_that_is_none_is_named_and_not_repeated() -> None:
    said = run("4242", HASH_SALT="deadbeef")
    assert said.exit_code == 2
    assert "HASH_SALT: salt 1 has 4 bytes" in said.output
    assert "deadbeef" not in said.output
