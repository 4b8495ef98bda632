"""Keys are rotated, what is stored is encrypted anew, and old keys are retired, while payments pass."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from gateway.cli import payguard
from gateway.crypto.keyring import LocalKeyring
from gateway.ledger.bodies import Bodies
from tests.gateway.control.test_key_files import PAYMENT
from tests.process.conftest import Gateway, Start, command, environment, until

POLICY = """\
version: 1
upstreams:
  backend: {{url: "{url}"}}
routes:
  - name: pay
    match: {{path: /v1/payments}}
    upstream: backend
    filters: [principal: {{header: x-user-id, from: any}}, idempotency]
"""
OLD = f"old:{'ab' * 32}\n"
OTHERS = 1000
"""Answers that are kept of payments before: ten steps of a re-encryption."""


class Payments:
    """A payment for each number, and its repeats."""

    def __init__(self, client: httpx.AsyncClient, upstream: Any) -> None:
        self.answers: dict[int, bytes] = {}
        self.upstream = upstream
        self.client = client
        self._turns = asyncio.Semaphore(16)

    async def pay(self, gateway: Gateway, number: int) -> httpx.Response:
        headers = {"x-user-id": "ada", "idempotency-key": f"order-{number}"}
        async with self._turns:
            return await self.client.post(f"{gateway.url}/v1/payments", json={"amount": number}, headers=headers)

    async def first(self, gateway: Gateway, number: int) -> None:
        answer = await self.pay(gateway, number)
        assert answer.status_code == 200
        self.answers[number] = answer.content

    async def all_are_answered(self, gateway: Gateway) -> None:
        executed = len(self.upstream.seen)
        again = await asyncio.gather(*(self.pay(gateway, number) for number in self.answers))
        assert [each.content for each in again] == list(self.answers.values())
        assert {each.headers.get("idempotent-replayed") for each in again} == {"true"}
        assert len(self.upstream.seen) == executed


@pytest.fixture
def policy(tmp_path: Path, upstream) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.format(url=upstream.url))
    return path


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text(OLD)
    return path


@pytest.fixture
def payments(client, upstream) -> Payments:
    return Payments(client, upstream)


async def keys_command(folder: Path, gateway: Gateway, *arguments: str, **settings: str) -> tuple[int, str]:
    """Its exit code, and all that it says.  In this process: starting one takes longer than all that it does."""
    environ = environment(folder, PAYGUARD_ADMIN_URL=gateway.admin, **settings)
    said = await asyncio.to_thread(CliRunner().invoke, payguard, ["keys", *arguments], env=environ)
    return said.exit_code, said.output


def write(folder: Path, statement: str, *rows: Sequence[Any]) -> None:
    """To the database of a gateway that does not run."""
    connection = sqlite3.connect(folder / "payguard-data" / "payguard.db")
    with connection:
        connection.executemany(statement.replace("$1", "?").replace("$2", "?"), rows)
    connection.close()


def keep_others(folder: Path) -> None:
    """Half of them have ids before those of payments to come, half behind."""
    bodies = Bodies(LocalKeyring.parse(OLD), "default")
    ids = [f"{letter}{number:04}" for letter in "az" for number in range(OTHERS // 2)]
    write(folder, PAYMENT, *((each, bodies.answer(each, 200, [], b"kept")) for each in ids))


def take_out(file: Path, line: str) -> None:
    file.write_text(file.read_text().replace(line, ""))


async def shown(payments: Payments, gateway: Gateway, **asked: str) -> dict[str, Any]:
    return dict((await payments.client.get(f"{gateway.admin}/api/v1/keys", params=asked)).json())


async def test_killed_in_the_middle_of_a_reencryption_it_goes_on_and_every_repeat_is_answered(
    start: Start, policy: Path, keys: Path, payments: Payments, tmp_path: Path
) -> None:
    settings = {"ENCRYPTION_KEY": f"file:{keys}"}
    await asyncio.to_thread(keep_others, tmp_path)
    gateway = await start(policy, settings=settings)
    await asyncio.gather(*(payments.first(gateway, number) for number in range(20)))
    assert (await keys_command(tmp_path, gateway, "rotate", "--id", "new", **settings))[0] == 0
    await gateway.event("keys_changed")
    assert (await payments.client.post(f"{gateway.admin}/api/v1/keys/reencrypt")).status_code == 202

    async def has_begun() -> bool:
        return bool((await shown(payments, gateway))["reencryption"]["moved"])

    await until(has_begun)
    assert (await shown(payments, gateway))["reencryption"]["done_at"] is None
    gateway.process.kill()
    await gateway.ended()
    await asyncio.to_thread(write, tmp_path, "UPDATE reencryptions SET lease_until = $1", (0,))  # 5 s are over
    again = await start(policy, settings=settings)

    async def is_done() -> bool:
        await payments.first(again, len(payments.answers))  # traffic goes on
        return (await shown(payments, again))["reencryption"]["done_at"] is not None

    await until(is_done)
    found = {each["id"]: each for each in (await shown(payments, again, count="true"))["items"]}
    assert (found["old"]["stored"], found["new"]["stored"]) == ({}, {"payments.answer": OTHERS + len(payments.answers)})
    await payments.all_are_answered(again)
    code, said = await keys_command(tmp_path, again, "retire", "old", **settings)
    assert (code, said) == (0, f"old: taken out of {keys}\n")
    await again.event("key_retired")
    await payments.all_are_answered(again)


async def test_a_key_that_is_needed_is_not_retired_in_any_way(
    start: Start, policy: Path, keys: Path, payments: Payments, tmp_path: Path
) -> None:
    settings = {"ENCRYPTION_KEY": f"file:{keys}"}
    gateway = await start(policy, settings=settings)
    await payments.first(gateway, 1)
    await keys_command(tmp_path, gateway, "rotate", "--id", "new", **settings)
    await gateway.event("keys_changed")
    code, said = await keys_command(tmp_path, gateway, "retire", "old", **settings)
    assert (code, "1 stored values need the key old" in said) == (1, True)

    await asyncio.to_thread(take_out, keys, OLD)
    rejected = await gateway.event("keys_rejected")
    assert "the key old is missing, and 1 stored values need it (payments.answer: 1)" in rejected["reason"]
    await payments.all_are_answered(gateway)
    gateway.terminate()
    await gateway.ended()
    refused = await asyncio.create_subprocess_exec(
        *command("serve", "--policy", str(policy), "--port", "0", "--admin-port", "0"),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env=environment(tmp_path, **settings),
    )
    _, said_of_it = await refused.communicate()
    assert (refused.returncode, b"the key old is missing, and 1 stored values need it" in said_of_it) == (2, True)

    code, said = await keys_command(tmp_path, gateway, "retire", "old", "--lost", **settings)
    assert (code, said) == (0, "old: given up\n")
    third = await start(policy, settings=settings)
    assert (await payments.pay(third, 1)).json()["code"] == "answer_unavailable"


async def test_replicas_use_a_new_key_when_all_have_it(
    start: Start, policy: Path, keys: Path, payments: Payments, postgres_url: str
) -> None:
    tmp_path = keys.parent
    late = tmp_path / "late"
    late.write_text(OLD)
    shared: Mapping[str, str] = {"DATABASE_URL": postgres_url, "PAYGUARD_KEY_DELAY": "2s"}
    first = await start(policy, settings={**shared, "ENCRYPTION_KEY": f"file:{keys}"})
    second = await start(policy, settings={**shared, "ENCRYPTION_KEY": f"file:{late}"})
    await keys_command(tmp_path, first, "rotate", "--id", "new", ENCRYPTION_KEY=f"file:{keys}")
    taken = await first.event("keys_changed")
    assert (taken["now"], taken["first"]) == ("new,old", "old")
    await payments.first(first, 1)
    await payments.all_are_answered(second)  # which does not have the new one

    await asyncio.to_thread(shutil.copy, keys, late)
    used = await asyncio.gather(first.event("keys_changed", 2), second.event("keys_changed", 2))
    assert [each["first"] for each in used] == ["new", "new"]
    code, said = await keys_command(tmp_path, second, "reencrypt", ENCRYPTION_KEY=f"file:{late}")
    assert (code, said) == (0, "1 values encrypted anew; 0 do not open and were left as they are\n")
    code, said = await keys_command(tmp_path, second, "status", "--json", "--database", DATABASE_URL=postgres_url)
    stored = {each["id"]: each["stored"] for each in json.loads(said)["items"] if each["setting"] == "ENCRYPTION_KEY"}
    assert (code, stored) == (0, {"old": {}, "new": {"payments.answer": 1}})
    await payments.all_are_answered(first)
