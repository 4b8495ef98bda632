"""``payguard audit`` on real databases and files; what a gateway writes there is tested with one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.audit import statements as sql
from gateway.audit.signing import Sealer, signers
from gateway.audit.writer import AuditWriter
from gateway.cli import payguard
from gateway.database.opening import open_database, sqlite_url
from gateway.telemetry.masking import Masking

KEY = "11" * 32


def run(*words: str, **environ: str) -> Result:
    return CliRunner().invoke(payguard, ["audit", *words], env={"ENCRYPTION_KEY": KEY, **environ})


@pytest.fixture
def url(sqlite_path: Path, told: list[str]) -> str:
    """Of a trail of three entries, sealed at its end; what was told is in the log."""

    async def fill() -> None:
        database = open_database(sqlite_url(sqlite_path))
        await database.open()
        writer = AuditWriter(
            database,
            Sealer(signers(KEY, sqlite_path.parent)),
            masks=Masking(),
            hash=lambda purpose, value: f"1:{value}",
            now=lambda: 1e9,
            tell=lambda code, **said: told.append(json.dumps({"event": code, **said})),
        )
        for number in range(3):
            await writer.add("a.b", subject=f"subject {number}")
        await writer.close()
        await database.close()

    asyncio.run(fill())
    return sqlite_url(sqlite_path)


@pytest.fixture
def told() -> list[str]:
    return []


def test_a_trail_is_verified_exported_and_verified_without_its_database(url, told, tmp_path) -> None:
    log, file = tmp_path / "log", tmp_path / "trail.jsonl"
    log.write_text("\n".join(['{"event": "audit_sealed"}', 'no "audit_sealed" JSON', *told, "[]"]))
    assert run("verify", "--log", str(log), DATABASE_URL=url).output == (
        "whole: 3 entries of 1 writers, 1 seals; the log has 1 seals\n"
    )
    assert run("export", "--output", str(file), DATABASE_URL=url).exit_code == 0
    assert run("export", DATABASE_URL=url).stdout.splitlines()[1:] == file.read_text().splitlines()[1:]
    public = run("key").output.strip()
    assert json.loads(run("key", "--json").output) == {"keys": [public]}
    assert run("verify", str(file), "--public-key", public, ENCRYPTION_KEY="").exit_code == 0
    assert json.loads(run("verify", str(file), "--json").output) == {
        "found": 0,
        "writers": 1,
        "entries": 3,
        "seals": 1,
        "unsealed": 0,
        "findings": [],
    }


def test_a_key_in_a_file_and_one_that_follows_it_verify_what_was_sealed_before(
    url, told, sqlite_path, tmp_path
) -> None:
    keys, exported = tmp_path / "keys", tmp_path / "trail.jsonl"
    there = {"DATABASE_URL": url, "ENCRYPTION_KEY": f"file:{keys}"}
    keys.write_text(f"1:{KEY}")
    assert run("verify", **there).exit_code == 0
    keys.write_text(f"new:{'22' * 32}")
    assert "which nobody vouches for" in run("verify", **there).output

    async def pledge() -> None:
        database = open_database(url)
        await database.open()
        for each in Sealer(signers(f"new:{'22' * 32},1:{KEY}", sqlite_path.parent)).pledges(1e9):
            await database.write(sql.VOUCH, *each)
        await database.close()

    asyncio.run(pledge())
    assert run("verify", **there).output == "whole: 3 entries of 1 writers, 1 seals\n"
    assert run("export", "--output", str(exported), **there).exit_code == 0
    public = run("key", **there).output.strip()
    assert run("verify", str(exported), "--public-key", public).output == "whole: 3 entries of 1 writers, 1 seals\n"


def test_what_was_changed_is_named_in_words_and_as_json(url, tmp_path) -> None:
    file = tmp_path / "trail.jsonl"
    run("export", "--output", str(file), DATABASE_URL=url)
    file.write_text(file.read_text().replace("subject 1", "subject 9"))
    said, found = run("verify", str(file)), json.loads(run("verify", str(file), "--json").output)

    assert said.exit_code == 1
    assert " entry 2: edited: its text is not that of its hash\n1 findings: 3 entries" in said.output
    [finding] = found["findings"]
    assert (finding["first"], finding["last"], finding["what"]) == (2, 2, "edited")


def test_very_many_findings_are_cut(url, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("gateway.audit.verification.MOST_FINDINGS", 1)
    file = tmp_path / "trail.jsonl"
    run("export", "--output", str(file), DATABASE_URL=url)
    file.write_text(file.read_text().replace('"subject ', '"sabject '))

    assert "\nand 2 more\n3 findings: " in run("verify", str(file)).output


def test_what_cannot_be_read_is_exit_code_2(url, tmp_path) -> None:
    nothing = sqlite_url(tmp_path / "nothing.db")
    file = tmp_path / "trail.jsonl"
    file.write_text("no export\n")
    none = {"ENCRYPTION_KEY": "", "PAYGUARD_DATA_DIR": str(tmp_path)}
    for said, problem in (
        (run("verify", DATABASE_URL=nothing), "cannot read the audit trail of"),
        (run("export", DATABASE_URL=nothing), "cannot read the audit trail of"),
        (run("verify", str(file)), "trail.jsonl: line 1: it is no JSON"),
        (run("key", **none), "there is no key: set ENCRYPTION_KEY, or PAYGUARD_DATA_DIR to the gateway's"),
        (run("key", ENCRYPTION_KEY="ab"), "the key of the audit trail: key 1 has 1 bytes"),
        (run("verify", DATABASE_URL="mysql://nowhere"), "DATABASE_URL"),
    ):
        assert said.exit_code == 2, said.output
        assert problem in said.stderr


def test_an_export_that_finds_no_room_is_exit_code_2_and_said_in_words(url) -> None:
    done = run("export", "--output", "/dev/full", DATABASE_URL=url)

    assert done.exit_code == 2
    assert "cannot write /dev/full: no space left on device" in done.output


@pytest.mark.parametrize("key", ["zz", "11" * 31, ""])
def test_a_public_key_that_is_none_is_refused_before_anybody_is_blamed(url, key) -> None:
    done = run("verify", "--public-key", key, DATABASE_URL=url)

    assert done.exit_code == 2
    assert "64 hexadecimal digits" in done.output


def test_a_public_key_may_be_written_in_capitals(url) -> None:
    public = run("key").output.strip()

    assert run("verify", "--public-key", public.upper(), DATABASE_URL=url).exit_code == 0
