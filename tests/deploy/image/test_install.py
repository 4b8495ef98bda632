"""What the image does, without an engine: locks and wheel in an environment of their own, run as the image's user.

It asks the package index, so it runs with ``make image-test`` alone.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.testing import backend
from tests.process.conftest import Gateway, until

pytestmark = [pytest.mark.install, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[3]
USER = 65532 if os.geteuid() == 0 else os.geteuid()
LEAST = (3, 11)

POLICY = """\
version: 1
upstreams:
  backend: {{url: "{url}"}}
routes:
  - name: pay
    match: {{methods: [POST], path: /v1/payments}}
    upstream: backend
    payment: {{operation: payment.create, amount: /amount, currency: /currency}}
    filters: [{{principal: {{header: x-user-id, from: any}}}}, idempotency]
"""


def as_user(**options: Any) -> dict[str, Any]:
    """Of a process that runs as the image's user, where this one may decide that."""
    own = {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
    return own | options


LOCKED = """\
mount --make-rprivate / && mount --bind "$1" "$1" && mount --bind "$2" /var/tmp && mount -o remount,ro,bind / \\
    && user=$3 && shift 3 && exec setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
"""
"""A command whose root is read-only, but for a folder and one for what is temporary, as in the pod."""


def has_namespaces() -> bool:
    """Whether this process may make a root of its own for another: root on Linux may, mostly."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return False
    tried = subprocess.run(["unshare", "--mount", "mount", "--make-rprivate", "/"], capture_output=True, check=False)
    return tried.returncode == 0


def usable(python: str) -> bool:
    """Whether the image's user can run it: one in root's home is nobody else's."""
    asks = [python, "-c", f"import sys, venv, ensurepip; sys.exit(sys.version_info < {LEAST})"]
    try:
        return subprocess.run(asks, capture_output=True, check=False, cwd="/", **as_user()).returncode == 0
    except OSError:
        return False


def interpreter() -> str:
    """``IMAGE_PYTHON``, else this one, else the system's."""
    named = os.environ.get("IMAGE_PYTHON")
    base = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
    found = [each for each in ([named] if named else [str(base), "/usr/bin/python3"]) if usable(each)]
    assert found, f"user {USER} can run no Python of 3.11 or newer: name one that it can, as IMAGE_PYTHON"
    return found[0]


class Image:
    """The environment as the image has it, and beside it the one folder that is written to."""

    def __init__(self, folder: Path) -> None:
        self.tree = folder / "payguard"
        self.data = folder / "data"
        self.temporary = folder / "temporary"
        self.bin = self.tree / "bin"

    def install(self) -> None:
        for what in ("dependencies", "payguard"):
            subprocess.run(
                ["deploy/image/install", what, str(self.tree)],
                cwd=ROOT,
                check=True,
                env=os.environ | {"PYTHON": interpreter()},
            )
        for folder in (self.data, self.temporary):
            folder.mkdir(mode=0o700)
            os.chown(folder, USER, -1)
        subprocess.run(["chmod", "-R", "a+rX,a-w", str(self.tree)], check=True)

    def files(self) -> dict[str, float]:
        """Every file of the tree, and when it was last written."""
        return {str(path): path.lstat().st_mtime for path in self.tree.rglob("*")}

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PAYGUARD_DATA_DIR": str(self.data),
            "PAYGUARD_PORT": "0",
            "PAYGUARD_ADMIN_PORT": "0",
            "PAYGUARD_DRAIN_DELAY": "0s",
            "ENCRYPTION_KEY": "11" * 32,
            "HASH_SALT": "00" * 16,
        }

    def in_pod(self, *command: str) -> tuple[list[str], dict[str, Any]]:
        """The command as the pod would run it, with options for the process."""
        own: dict[str, Any] = {"cwd": "/", "env": self.environment()}
        if has_namespaces():
            words = ["unshare", "--mount", "sh", "-c", LOCKED, "sh", str(self.data), str(self.temporary), str(USER)]
            return [*words, *command], own
        return [*command], as_user(**own)

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.bin / program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **as_user(env=self.environment()),
        )


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    folder = Path(tempfile.mkdtemp(prefix="payguard-image-"))
    folder.chmod(0o755)  # pytest's own are closed to other users
    made = Image(folder)
    try:
        made.install()
        yield made
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)
        shutil.rmtree(folder)


def test_the_command_is_there_and_nothing_that_installs(image) -> None:
    assert image.run("payguard", "--version").stdout.startswith("payguard, version ")
    assert not (image.bin / "pip").exists()
    assert image.run("python", "-m", "pip", "--version").returncode != 0


def test_every_module_is_compiled_since_nothing_can_be_at_run_time(image) -> None:
    [package] = image.tree.glob("lib/python3*/site-packages/gateway")
    modules = [path for path in package.rglob("*.py") if path.stat().st_size]
    assert modules
    for module in modules:
        assert list((module.parent / "__pycache__").glob(f"{module.stem}.*.pyc")), module


@pytest.mark.parametrize("where", ["", "bin", "lib"])
def test_its_user_cannot_write_to_the_tree(image, where) -> None:
    target = image.tree / where / "written"
    tried = image.run("python", "-c", f"open({str(target)!r}, 'w')")
    assert "PermissionError" in tried.stderr


def test_every_built_in_plugin_loads(image) -> None:
    listed = image.run("payguard", "plugins", "list")
    assert listed.returncode == 0, listed.stderr
    assert "idempotency" in listed.stdout


@pytest.mark.skipif(not has_namespaces(), reason="a read-only root needs root on Linux: the tree alone is read-only")
def test_its_root_can_be_read_only(image) -> None:
    command, options = image.in_pod("sh", "-c", 'touch "$PAYGUARD_DATA_DIR"/here /var/tmp/here && ! touch /tmp/there')
    tried = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert (tried.returncode, "Read-only file system" in tried.stderr) == (0, True), tried.stderr
    (image.data / "here").unlink()


async def test_it_starts_takes_a_payment_drains_and_ends_as_its_user(image) -> None:
    before = image.files()
    async with backend() as upstream, httpx.AsyncClient(trust_env=False) as client:
        policy = image.tree.parent / "policy.yaml"
        policy.write_text(POLICY.format(url=upstream.url))
        command, options = image.in_pod(str(image.bin / "payguard"), "serve", "--policy", str(policy))
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, limit=1 << 20, **options
        )
        gateway = Gateway(process)
        listening = await gateway.event("listening")
        data, admin = listening["data"], listening["admin"]

        async def ready() -> bool:
            return (await client.get(f"{admin}/readyz")).is_success

        await until(ready)
        upstream.will_answer(201, json={"id": "pay_1"})
        headers = {"x-user-id": "ada", "idempotency-key": "order-1"}
        paid = await client.post(f"{data}/v1/payments", json={"amount": 1999, "currency": "eur"}, headers=headers)
        assert paid.status_code == 201, paid.text
        shown = image.run("payguard", "payments", "list", "--admin", admin)
        assert "succeeded" in shown.stdout
        assert image.run("payguard", "drain", "--admin", admin).returncode == 0
        gateway.terminate()
        assert await gateway.ended() == 0
    written = [*image.data.rglob("*")]
    assert any(path.name == "payguard.db" for path in written)
    assert {path.stat().st_uid for path in written} == {USER}
    assert image.files() == before
