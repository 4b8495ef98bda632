"""A policy is replaced in a running gateway, under load, and nothing is lost or left behind."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.process.conftest import Gateway, pass_through, pressing, signing, until

RELOADS = int(os.environ.get("RELOADS", "200"))
"""``RELOADS=2000 make test ARGS=tests/process/test_reload.py`` takes a few minutes."""

WARM = 50
MIB = 1 << 20


@pytest.fixture
def policy(tmp_path) -> Path:
    return tmp_path / "policy.yaml"


@pytest.fixture
async def old() -> AsyncIterator[str]:
    async with signing("old") as url:
        yield url


@pytest.fixture
async def new() -> AsyncIterator[str]:
    async with signing("new") as url:
        yield url


def edit(path: Path, text: str) -> None:
    """As editors and ConfigMaps do, and ``>`` does not: the file never holds half of it."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.rename(path)


async def policy_status(client: httpx.AsyncClient, gateway: Gateway) -> dict[str, Any]:
    return (await client.get(f"{gateway.admin}/api/v1/policy")).json()


async def test_sighup_activates_an_edit_under_load(start, policy, old, new) -> None:
    edit(policy, pass_through(old))
    gateway = await start(policy, settings={"PAYGUARD_RELOAD_INTERVAL": "1h"})
    async with pressing(gateway.url) as load:
        await load.answered("old", 50)
        edit(policy, pass_through(new))
        gateway.hang_up()
        await load.answered("new", 50)
    assert load.lost == []


async def test_a_config_map_s_swap_activates_a_policy_under_load(start, tmp_path, old, new) -> None:
    for version, url in (("..first", old), ("..second", new)):
        (tmp_path / version).mkdir()
        edit(tmp_path / version / "policy.yaml", pass_through(url))
    (tmp_path / "..data").symlink_to("..first")
    (tmp_path / "policy.yaml").symlink_to("..data/policy.yaml")
    gateway = await start(tmp_path / "policy.yaml")
    async with pressing(gateway.url) as load:
        await load.answered("old", 50)
        (tmp_path / "..data_tmp").symlink_to("..second")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        await load.answered("new", 50)
    assert load.lost == []


async def test_a_broken_edit_keeps_the_policy_and_everyone_says_so(start, policy, old, client) -> None:
    edit(policy, pass_through(old))
    gateway = await start(policy)
    before = await policy_status(client, gateway)
    assert before["rejection"] is None
    async with pressing(gateway.url, clients=2) as load:
        edit(policy, pass_through(old).replace("upstream: backend", "upstream: bakend"))
        await gateway.event("policy rejected")
        await load.answered("old", 10)
    assert load.lost == []

    now = await policy_status(client, gateway)
    assert now["digest"] == before["digest"]
    assert "did you mean 'backend'?" in now["rejection"]["reasons"][0]
    metrics = (await client.get(f"{gateway.admin}/metrics")).text
    assert "payguard_policy_last_rejected 1.0" in metrics
    assert 'payguard_policy_reloads_total{result="rejected"} 1.0' in metrics
    assert f'payguard_policy_info{{digest="{before["digest"]}"}} 1.0' in metrics

    async def it_shows() -> bool:
        probe = await client.get(f"{gateway.admin}/readyz?verbose")
        assert probe.status_code == 200, "what serves is ready, whatever the edit"
        return "[-] policy: failed" in probe.text

    await until(it_shows)


async def test_taking_a_broken_edit_back_ends_the_alarm(start, policy, old, client) -> None:
    edit(policy, pass_through(old))
    gateway = await start(policy)
    edit(policy, "version: 1")
    await gateway.event("policy rejected")
    edit(policy, pass_through(old))

    async def it_is_over() -> bool:
        return (await policy_status(client, gateway))["rejection"] is None

    await until(it_is_over)
    assert len(gateway.said["policy activated"]) == 1


async def test_a_policy_file_that_goes_away_is_said_and_comes_back(start, policy, old, client) -> None:
    edit(policy, pass_through(old))
    gateway = await start(policy)
    policy.unlink()
    await gateway.event("the policy file cannot be read; the policy in force stays")
    assert str(policy) in (await policy_status(client, gateway))["unreadable"]
    assert (await client.get(gateway.url)).text == "old"
    edit(policy, pass_through(old, "another"))
    await gateway.event("policy activated", times=2)
    assert (await policy_status(client, gateway))["unreadable"] is None


async def test_hundreds_of_reloads_under_load_lose_nothing_and_leave_nothing(start, policy, old) -> None:
    edit(policy, pass_through(old))
    gateway = await start(policy, settings={"PAYGUARD_RELOAD_INTERVAL": "1ms"})
    process = psutil.Process(gateway.pid)
    async with pressing(gateway.url, clients=4) as load:
        resident: list[int] = []
        for number in range(RELOADS):
            edit(policy, pass_through(old, f"edit {number}"))
            await gateway.event("policy activated", times=number + 2)
            resident.append(process.memory_info().rss)
            if number == WARM:
                fds, threads = process.num_fds(), process.num_threads()
        assert process.num_threads() <= threads
        assert process.num_fds() <= fds + 4  # connections come and go
        assert resident[-1] - resident[WARM] <= MIB * (2 + RELOADS / 500)
    assert load.lost == []
    assert load.answers["old"] > RELOADS
    gateway.terminate()
    assert await gateway.ended() == 0
