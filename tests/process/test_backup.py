"""The ledger is copied while payments are taken, as docs/kubernetes.md says, and a gateway serves the copy."""

from __future__ import annotations

import asyncio
import re
import shlex
import sqlite3
import sys
from pathlib import Path

import httpx
import pytest

from tests.process.conftest import Gateway, Start, until
from tests.process.test_payments import POLICY

PAGE = (Path(__file__).parents[2] / "docs" / "kubernetes.md").read_text()
FOLDER = "/var/lib/payguard"


def backup_command(folder: Path) -> list[str]:
    """What the page runs in the gateway's container, with this folder for the container's."""
    [line] = re.findall(r"^kubectl exec .* -- (python -c .*VACUUM INTO.*)$", PAGE, re.MULTILINE)
    _, *arguments = shlex.split(line.replace(FOLDER, str(folder)))
    return [sys.executable, *arguments]


@pytest.fixture
def policy(tmp_path, upstream) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.format(url=upstream.url))
    return path


async def pay(client: httpx.AsyncClient, gateway: Gateway, key: str) -> httpx.Response:
    headers = {"x-user-id": "ada", "idempotency-key": key}
    body = {"amount": 1999, "currency": "eur", "customer": "cus_1"}
    return await client.post(f"{gateway.url}/v1/payments", json=body, headers=headers)


async def test_a_copy_that_is_made_while_payments_are_taken_is_whole(
    start: Start, policy, upstream, client, tmp_path
) -> None:
    gateway = await start(policy)
    taken: list[int] = []
    enough = asyncio.Event()

    async def press() -> None:
        while not enough.is_set():
            taken.append((await pay(client, gateway, f"order-{len(taken)}")).status_code)

    assert (await pay(client, gateway, "first")).status_code == 200
    pressing = asyncio.create_task(press())

    async def under_way() -> bool:
        return len(taken) > 20

    await until(under_way)
    data = tmp_path / "payguard-data"
    copying = await asyncio.create_subprocess_exec(*backup_command(data))
    assert await copying.wait() == 0
    enough.set()
    await pressing
    assert set(taken) == {200}

    with sqlite3.connect(data / "copy.db") as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*) FROM payments").fetchone()[0] >= 21
    copy.close()


async def test_a_gateway_on_a_restored_copy_knows_the_payments(
    start: Start, policy, upstream, client, tmp_path
) -> None:
    data = tmp_path / "payguard-data"
    gateway = await start(policy)
    upstream.will_answer(201, json={"id": "pay_1"})
    assert (await pay(client, gateway, "order-1")).status_code == 201
    copying = await asyncio.create_subprocess_exec(*backup_command(data))
    assert await copying.wait() == 0
    gateway.terminate()
    await gateway.ended()
    for path in data.glob("payguard.db*"):
        path.unlink()
    (data / "copy.db").rename(data / "payguard.db")

    restored = await start(policy)
    again = await pay(client, restored, "order-1")
    assert (again.status_code, again.json()) == (201, {"id": "pay_1"})
    assert len([each for each in upstream.seen if each.method == "POST"]) == 1
