"""What the chart renders runs: the gateway's container as it is written, from its start to its end, under load."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deploy.helm.kubelet import ConfigMapVolume, Kubelet
from tests.deploy.helm.rendering import MODES, ci, merged, named
from tests.process.conftest import Gateway, pass_through, pressing, signing, until

ACTIVE_WITHIN = 5.0
"""Seconds from the swap of a ConfigMap's link to the first answer by the new policy."""

POSTGRESQL: dict[str, Any] = {
    "database": {"type": "postgresql"},
    "data": {"claim": {"create": False}},
    "migration": {"enabled": True},
    "secrets": {
        "HASH_SALT": {"name": "payguard", "key": "hash-salt"},
        "DATABASE_URL": {"name": "payguard", "key": "database-url"},
    },
}

PLUGIN = '''"""Marks answers."""

from gateway import Config, Exchange, Filter, hookimpl


class Mark(Filter[Config]):
    name = "mark"

    async def on_response(self, exchange: Exchange) -> None:
        assert exchange.response is not None
        exchange.response.headers["x-marked"] = "yes"


@hookimpl
def register_filters() -> list[type[Mark]]:
    return [Mark]
'''


def free_ports(count: int) -> list[int]:
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in listeners]
    for each in listeners:
        each.close()
    return ports


def values(policy: str, mode: str = "sidecar", **over: Any) -> dict[str, Any]:
    """One pod on SQLite with free ports, and a delay that a test has time for."""
    data, admin = free_ports(2)
    own = {
        "mode": mode,
        "listen": {"data": data, "admin": admin},
        "drainSeconds": 1,
        "policy": {"existingConfigMap": None, "content": policy},
    }
    return merged(merged(ci("sqlite"), own), over)


@pytest.fixture
def pod_of(example, tmp_path, migrated_file) -> Callable[..., Kubelet]:
    """A pod of these values whose ledger has its schema: what takes a second is done once."""

    def make(given: dict[str, Any]) -> Kubelet:
        kubelet = Kubelet(example.render(given), tmp_path)
        shutil.copy(migrated_file, kubelet.folder_of("/var/lib/payguard") / "payguard.db")
        return kubelet

    return make


@asynccontextmanager
async def running(kubelet: Kubelet) -> AsyncIterator[Gateway]:
    """The container, started; killed where a test leaves it."""
    gateway = await kubelet.start()
    try:
        yield gateway
    finally:
        if gateway.process.returncode is None:
            gateway.process.kill()
        await gateway.ended()


@pytest.mark.parametrize("mode", MODES)
async def test_a_pod_comes_and_goes_under_load_and_no_request_fails(pod_of, mode) -> None:
    async with signing("backend") as url:
        kubelet = pod_of(values(pass_through(url), mode))
        async with running(kubelet) as gateway:
            await kubelet.until_probe("startupProbe")
            await kubelet.until_probe("readinessProbe")
            assert await kubelet.probe("livenessProbe") == 200
            async with pressing(kubelet.data_url) as load:
                await load.answered("backend", 100)
                loop = asyncio.get_running_loop()
                told = loop.time()
                await kubelet.pre_stop()
                assert await kubelet.probe("readinessProbe") == 503
                assert await kubelet.probe("livenessProbe") == 200, "a pod that drains is not to be restarted"
                await load.answered("backend", 10)
                if mode == "sidecar":  # the backend stops first, and its clients have learned of it by then
                    await asyncio.sleep(kubelet.backend_sleeps - (loop.time() - told))
                    load.stop = True
                gateway.terminate()
                assert await gateway.ended() == 0
        assert load.lost == []
        assert loop.time() - told < kubelet.grace


async def test_starting_does_not_wait_for_the_backend_and_readiness_does(pod_of) -> None:
    [port] = free_ports(1)
    kubelet = pod_of(values(pass_through(f"http://127.0.0.1:{port}")))
    async with running(kubelet):
        await kubelet.until_probe("startupProbe")
        await kubelet.until_probe("readinessProbe", 503)
        server = await asyncio.start_server(answer_and_close, "127.0.0.1", port)
        async with server:
            await kubelet.until_probe("readinessProbe")
        assert await kubelet.probe("livenessProbe") == 200


async def answer_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if await reader.read(1):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    writer.close()


async def test_an_edit_of_the_config_map_is_active_soon_and_loses_no_request(pod_of) -> None:
    async with signing("old") as old, signing("new") as new:
        kubelet = pod_of(values(pass_through(old)))
        async with running(kubelet):
            await kubelet.until_probe("readinessProbe")
            async with pressing(kubelet.data_url) as load:
                await load.answered("old", 50)
                kubelet.volumes["payguard-policy"].update({"policy.yaml": pass_through(new)})
                async with asyncio.timeout(ACTIVE_WITHIN):
                    await load.answered("new")
                await load.answered("new", 50)
    assert load.lost == []


async def test_a_broken_edit_of_the_config_map_keeps_the_old_policy_and_everyone_says_so(pod_of) -> None:
    async with signing("old") as old, httpx.AsyncClient(trust_env=False) as client:
        kubelet = pod_of(values(pass_through(old)))
        async with running(kubelet) as gateway:
            await kubelet.until_probe("readinessProbe")
            async with pressing(kubelet.data_url) as load:
                broken = pass_through(old).replace("upstream: backend", "upstream: bakend")
                kubelet.volumes["payguard-policy"].update({"policy.yaml": broken})
                said = await gateway.event("policy rejected")
                await load.answered("old", 50)
            assert load.lost == []
            assert "did you mean 'backend'?" in str(said)
            metrics = (await client.get(f"{kubelet.admin_url}/metrics")).text
            assert "payguard_policy_last_rejected 1.0" in metrics

            async def it_shows() -> bool:
                probed = await client.get(f"{kubelet.admin_url}/readyz?verbose")
                assert probed.status_code == 200
                return "[-] policy: failed" in probed.text

            await until(it_shows)


async def test_plugins_of_a_config_map_and_variables_of_secrets_are_there(example, tmp_path) -> None:
    async with signing("backend") as url, httpx.AsyncClient(trust_env=False) as client:
        policy = pass_through(url).replace("upstream: backend}", "upstream: backend, filters: [mark]}")
        source = {"name": "ours", "configMap": "shop-plugins"}
        keys = {"ENCRYPTION_KEY": {"name": "payguard", "key": "encryption-key"}}
        manifests = example.render(values(policy, plugins={"sources": [source]}, secrets=keys))
        kubelet = Kubelet(manifests, tmp_path, {"encryption-key": "11" * 32})
        kubelet.volumes["payguard-plugins-ours"].update({"mark.py": PLUGIN})
        async with running(kubelet) as gateway:
            await kubelet.until_probe("readinessProbe")
            answer = await client.get(f"{kubelet.data_url}/v1/payments/1")
        assert answer.headers["x-marked"] == "yes"
        assert not any("no ENCRYPTION_KEY" in event for event in gateway.said)


async def test_the_example_s_policy_starts_with_what_the_chart_gives_it_and_defends_its_backend(
    installed, tmp_path
) -> None:
    data, admin = free_ports(2)
    manifests = installed.render({"listen": {"data": data, "admin": admin}})
    kubelet = Kubelet(manifests, tmp_path, {"encryption-key": "11" * 32, "hash-salt": "00" * 16})
    async with running(kubelet), httpx.AsyncClient(trust_env=False, base_url=kubelet.data_url) as client:
        await kubelet.until_probe("startupProbe")
        sent = {"amount": 500, "currency": "eur", "customer": "1' OR '1'='1' UNION SELECT pan FROM cards --"}
        asked = {"headers": {"x-user-id": "u1", "idempotency-key": "k1"}, "json": sent}
        codes = [(await client.post("/v1/payments", **asked)).json()["code"] for _ in range(60)]
    assert codes[0] == "attack_suspected"
    assert codes[-1] == "blocked", "who goes on although refused"
    assert {*codes} == {"attack_suspected", "rate_limited", "blocked"}


async def test_a_job_migrates_and_the_gateways_wait_for_it(example, tmp_path, postgres) -> None:
    database = await postgres.create()
    async with signing("backend") as url:
        manifests = example.render(values(pass_through(url), **POSTGRESQL))
        [job] = named(manifests, "Job")["spec"]["template"]["spec"]["containers"]
        secrets = {"database-url": postgres.url(database), "hash-salt": "00" * 16}
        kubelet = Kubelet(manifests, tmp_path, secrets)
        early = await kubelet.start()
        assert await early.ended() == 2, "the schema is not there yet, and it must not make it"
        assert await kubelet.run_to_its_end(job) == 0
        async with running(kubelet):
            await kubelet.until_probe("readinessProbe")
    await postgres.drop(database)


def test_a_config_map_s_folder_is_swapped_as_a_whole(tmp_path) -> None:
    volume = ConfigMapVolume(Path(tmp_path / "policy"))
    volume.update({"policy.yaml": "one"})
    assert (volume.folder / "policy.yaml").read_text() == "one"
    volume.update({"policy.yaml": "two"})
    assert (volume.folder / "policy.yaml").read_text() == "two"
