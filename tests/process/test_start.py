"""``payguard serve`` as a process: it starts, or says in one line why it does not."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from tests.process.conftest import command, environment, pass_through

SECRET = "8c14f5e0d1b2a39786" * 2


@pytest.fixture
def policy(tmp_path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(pass_through("http://127.0.0.1:9"))
    return path


async def refused(tmp_path: Path, *arguments: str, **settings: str) -> list[str]:
    """What it says on stderr; it must end with 2 and say nothing else."""
    process = await asyncio.create_subprocess_exec(
        *command("serve", "--port", "0", "--admin-port", "0", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(tmp_path, **settings),
        cwd=tmp_path,
    )
    out, err = await process.communicate()
    assert process.returncode == 2, err.decode()
    assert out == b""
    return err.decode().splitlines()


async def test_it_serves_on_free_ports_and_says_which(start, policy, upstream, client) -> None:
    policy.write_text(pass_through(upstream.url))
    gateway = await start(policy)
    assert (await client.get(f"{gateway.url}/v1/payments/1")).json() == {}
    assert upstream.seen[0].target == "/v1/payments/1"
    assert (await client.get(f"{gateway.admin}/livez")).status_code == 200
    assert (await client.get(f"{gateway.admin}/startupz")).status_code == 200


async def test_flags_override_settings(start, policy, client) -> None:
    gateway = await start(policy, "--admin-host", "::1", settings={"PAYGUARD_ADMIN_HOST": "192.0.2.1"})
    assert gateway.admin.startswith("http://[::1]:")
    assert (await client.get(f"{gateway.admin}/livez")).status_code == 200


async def test_a_taken_port_is_one_line(tmp_path, policy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as owner:
        port = owner.getsockname()[1]
        said = await refused(tmp_path, "--policy", str(policy), "--port", str(port))
    assert said == [f"cannot listen on 127.0.0.1:{port} (PAYGUARD_PORT, --port): address already in use"]


async def test_a_taken_admin_port_is_one_line(tmp_path, policy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as owner:
        port = owner.getsockname()[1]
        said = await refused(tmp_path, "--policy", str(policy), "--admin-port", str(port))
    assert said == [f"cannot listen on 127.0.0.1:{port} (PAYGUARD_ADMIN_PORT, --admin-port): address already in use"]


async def test_a_data_folder_that_cannot_be_written_is_one_line(tmp_path, policy) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "data"
    said = await refused(tmp_path, "--policy", str(policy), PAYGUARD_DATA_DIR=str(folder))
    assert said == [f"cannot write to the data folder {folder} (PAYGUARD_DATA_DIR): not a directory"]


async def test_a_certificate_that_cannot_be_read_is_one_line(tmp_path, policy) -> None:
    files = {"PAYGUARD_TLS_CERTIFICATE": str(tmp_path / "tls.crt"), "PAYGUARD_TLS_KEY": str(tmp_path / "tls.key")}
    said = await refused(tmp_path, "--policy", str(policy), **files)
    assert said == [f"cannot read {tmp_path / 'tls.crt'}: it is needed for TLS on the data port"]


async def test_a_policy_that_is_not_there_is_one_line(tmp_path) -> None:
    said = await refused(tmp_path, "--policy", "nowhere.yaml")
    assert said == ["cannot read the policy nowhere.yaml: no such file or directory"]


async def test_every_problem_of_a_broken_policy_is_a_line(tmp_path, policy) -> None:
    text = policy.read_text().replace("upstream: backend", "upstream: bakend").replace("version: 1", "version: 2")
    policy.write_text(text)
    said = await refused(tmp_path, "--policy", str(policy))
    assert len(said) == 2
    assert said[0].startswith(f"{policy}:2:")
    assert "did you mean 'backend'?" in said[1]


async def test_a_database_that_is_named_twice_is_one_line(tmp_path, policy) -> None:
    said = await refused(tmp_path, "--policy", str(policy), DATABASE_URL="postgres://h/d", DB_HOST="h")
    assert len(said) == 1
    assert said[0].startswith("DATABASE_URL: DB_HOST")


async def test_an_unknown_setting_is_one_line(tmp_path, policy) -> None:
    said = await refused(tmp_path, "--policy", str(policy), PAYGUARD_DRAIN_DELLAY="1s")
    assert len(said) == 1
    assert said[0].startswith("PAYGUARD_DRAIN_DELLAY: ")
    assert "PAYGUARD_DRAIN_DELAY" in said[0]


async def test_a_plugin_that_does_not_import_is_one_line(tmp_path, policy) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "broken.py").write_text("import no_such_module\n")
    said = await refused(tmp_path, "--policy", str(policy), "--plugin-dir", str(tmp_path / "ours"))
    assert len(said) == 1
    assert "broken" in said[0]
    assert "no_such_module" in said[0]


VAULT = """\
from gateway import Config, Filter, SecretRef, hookimpl

class VaultConfig(Config):
    token: SecretRef

class Vault(Filter):
    name = "safe"
    Config = VaultConfig

    async def open(self):
        token = self.scope.secret(self.config.token)
        raise ConnectionRefusedError(f"the vault does not take {token}")

@hookimpl
def register_filters():
    return [Vault]
"""


async def test_a_plugin_that_fails_to_open_is_one_line_that_keeps_its_secrets(tmp_path, policy) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "safe.py").write_text(VAULT)
    policy.write_text(
        policy.read_text().replace("upstream: backend", 'upstream: backend, filters: [safe: {token: "env:TOKEN"}]')
    )
    ours = ("--plugin-dir", str(tmp_path / "ours"))
    said = await refused(tmp_path, "--policy", str(policy), *ours, TOKEN=SECRET, LOG_LEVEL="warning")
    assert said == [
        f"cannot open the policy {policy}: safe did not open: ConnectionRefusedError: the vault does not take [masked]"
    ]
