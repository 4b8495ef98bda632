"""``payguard keys`` against key files, a database, and an admin port that has keys."""

from __future__ import annotations

import asyncio
import json
import stat
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr

from gateway.cli.audit import audit
from gateway.cli.keys import keys
from gateway.control.settings import load_settings
from gateway.crypto.key_checks import KeyChecks
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.salts import Salts
from gateway.database.sqlite import SqliteDatabase
from gateway.ledger.bodies import Bodies
from tests.gateway.cli.serving import Serving, serving

OLD = f"old:{'00' * 32}"
PAYMENT = """INSERT INTO payments (id, state, epoch, revision, route, operation, upstream, request_id, trace_id, policy,
  keep, created_at, asked, attempts, reason, history, answer)
  VALUES ('p1', 'succeeded', 1, 1, '', '', '', '', '', '', 0, 0, 0, 0, '', '', $1)"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text(OLD)
    return path


@pytest.fixture
def stored(sqlite_path: Path) -> Path:
    """A database in which something needs the old key."""

    async def make() -> None:
        database, keyring = SqliteDatabase(sqlite_path), LocalKeyring.parse(OLD)
        await database.open()
        await KeyChecks(database, {"ENCRYPTION_KEY": keyring.check_values()}).compare()
        await database.write(PAYMENT, Bodies(keyring, "shop").answer("p1", 200, [], b"kept"))
        await database.close()

    asyncio.run(make())
    return sqlite_path


@pytest.fixture
def port(stored: Path, file: Path) -> Iterator[Serving]:
    with serving(stored, key_file=file) as server:
        yield server


def run(*arguments: str | Path, port: Serving | None = None, **environ: str) -> Result:
    where = [] if port is None else ["--admin", port.url]
    return CliRunner().invoke(keys, [*map(str, arguments), *where], env=environ)


def test_a_new_key_is_printed_so_that_the_setting_takes_it() -> None:
    first, second = run("generate").output.strip(), run("generate").output.strip()

    assert LocalKeyring.parse(first).ids != LocalKeyring.parse(f"{second},{first}").ids
    assert Salts.parse(run("generate", "--salt", "--id", "s1").output.strip()).ids == ("s1",)


def test_a_new_token_is_one_that_the_settings_take() -> None:
    token = run("generate", "--token").output.strip()

    assert token != run("generate", "--token").output.strip()
    assert len(urlsafe_b64decode(token + "=")) == 32
    assert load_settings({"PAYGUARD_ADMIN_TOKEN_READ": token}).admin_token_read == SecretStr(token)


def test_a_new_key_is_appended_to_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "new"
    for each in ("a", "b"):
        assert run("generate", "--id", each, "--file", path).exit_code == 0

    assert LocalKeyring.parse(path.read_text()).ids == ("a", "b")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_rotate_puts_a_new_key_first_and_keeps_the_old_ones(file: Path) -> None:
    done = run("rotate", "--id", "new", ENCRYPTION_KEY=f"file:{file}")
    again = run("rotate", "--id", "new", "--file", file)

    assert (done.exit_code, LocalKeyring.parse(file.read_text()).ids) == (0, ("new", "old"))
    assert OLD in file.read_text()
    assert (again.exit_code, "there is a key with the id new already" in again.output) == (1, True)


def test_a_salt_that_is_kept_in_the_data_folder_is_rotated_there(tmp_path: Path) -> None:
    (tmp_path / "hash_salt").write_text("00" * 32)
    done = run("rotate", "--salt", "--id", "s2", PAYGUARD_DATA_DIR=str(tmp_path))

    assert (done.exit_code, Salts.parse((tmp_path / "hash_salt").read_text()).ids) == (0, ("s2", "1"))


def test_where_keys_are_in_the_environment_it_says_what_to_do() -> None:
    done = run("rotate", "--id", "new", ENCRYPTION_KEY=OLD)

    assert done.exit_code == 1
    assert "nothing was rotated: ENCRYPTION_KEY is not in a file" in done.output
    assert LocalKeyring.parse(done.output.splitlines()[0]).ids == ("new",)
    assert "00" * 32 not in done.output


@pytest.mark.parametrize("text", ["old:zz", "é"])
def test_a_file_that_holds_no_keys_is_left_as_it_is(file: Path, text: str) -> None:
    file.write_text(text)

    assert run("rotate", "--file", file).exit_code == 2
    assert file.read_text() == text


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    done = run("rotate", "--file", tmp_path / "away" / "keys")

    assert (done.exit_code, "cannot write" in done.output) == (1, True)


def test_rotate_and_reencrypt_waits_and_then_the_old_key_is_retired(port: Serving, file: Path) -> None:
    assert run("retire", "old", port=port).output.endswith("put a new one before it first. (key_in_use)\n")
    done = run("rotate", "--id", "new", "--file", file, "--reencrypt", port=port)
    assert done.output.splitlines()[-1:] == ["1 values encrypted anew; 0 do not open and were left as they are"]
    shown = json.loads(run("status", "--json", port=port).output)
    assert [(each["id"], each["use"], each["stored"]) for each in shown["items"] if each["setting"] != "HASH_SALT"] == [
        ("old", "kept", {}),
        ("new", "first", {"payments.answer": 1}),
    ]
    table = run("status", port=port).output
    assert "payments.answer 1" in table
    assert "1 encrypted anew" in table

    assert run("retire", "old", port=port).output == f"old: taken out of {file}\n"
    assert LocalKeyring.parse(file.read_text()).ids == ("new",)
    assert run("retire", "older", port=port).exit_code == 1


def test_a_key_that_is_needed_is_not_retired_and_its_number_is_told(port: Serving, file: Path) -> None:
    run("rotate", "--id", "new", "--file", file)
    while "new" not in run("status", "--no-count", port=port).output:
        pass
    done = run("retire", "old", port=port)

    assert (done.exit_code, "1 stored values need the key old" in done.output) == (1, True)
    assert LocalKeyring.parse(file.read_text()).ids == ("new", "old")


def test_an_edit_that_the_gateway_refuses_is_told(port: Serving, file: Path) -> None:
    file.write_text("other:" + "11" * 32)
    while not json.loads(run("status", "--json", port=port).output)["rejected"]:
        pass

    assert (
        "what its file holds now is not taken: ENCRYPTION_KEY: the key old is missing"
        in run("status", port=port).output
    )


def test_the_database_is_asked_where_no_gateway_is(stored: Path) -> None:
    url = f"sqlite:///{stored}"
    shown = json.loads(run("status", "--database", "--json", DATABASE_URL=url).output)
    assert [(each["id"], each["use"], each["stored"]) for each in shown["items"]] == [
        ("old", "unknown", {"payments.answer": 1})
    ]
    assert "known to the database" in run("status", "--database", DATABASE_URL=url).output


def test_a_lost_key_is_given_up_once_and_the_trail_says_so_under_a_seal(stored: Path, tmp_path: Path) -> None:
    here = {"DATABASE_URL": f"sqlite:///{stored}", "ENCRYPTION_KEY": f"new:{'11' * 32}"}
    without = run(
        "retire", "old", "--lost", **{**here, "ENCRYPTION_KEY": "", "PAYGUARD_DATA_DIR": str(tmp_path / "no")}
    )
    assert (without.exit_code, "there is no key: set ENCRYPTION_KEY" in without.output) == (2, True)

    assert run("retire", "old", "--lost", **here).output == "old: given up\n"
    assert run("retire", "old", "--lost", **here).output == "old: was retired before\n"
    assert run("retire", "none", "--lost", **here).exit_code == 1
    exported = CliRunner().invoke(audit, ["export"], env=here).output.splitlines()
    [entry] = [line["entry"] for line in map(json.loads, exported) if "entry" in line]
    assert (entry["action"], entry["subject"], entry["outcome"]) == ("key.retire", "old", "lost")
    assert entry["principal"].endswith(" via database")
    verified = CliRunner().invoke(audit, ["verify"], env=here)
    assert verified.output == "whole: 1 entries of 1 writers, 1 seals\n"


def test_counting_may_take_longer_than_other_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def asked(*_: Any, timeout: float, **__: Any) -> httpx.Response:
        waited.append(timeout)
        return httpx.Response(503, json={"code": "away", "detail": "It is."})

    monkeypatch.setattr(httpx, "request", asked)
    for words in (["status"], ["retire", "old"], ["reencrypt"]):
        run(*words)
    assert waited == [600.0, 600.0, 10.0]


def test_a_database_that_a_gateway_owns_is_refused(port: Serving, stored: Path) -> None:
    done = run("status", "--database", DATABASE_URL=f"sqlite:///{stored}")

    assert (done.exit_code, "is asked without --database" in done.output) == (2, True)
