"""The site of a run: a temporary folder, the origin in it, and configurations rendered into it."""

from __future__ import annotations

import shutil
import socket
import string
import sys
from contextlib import ExitStack
from pathlib import Path

from bench.process import Process
from bench.workload import ANSWER
from tests.servers import Postgres, postgres_server

ROOT = Path(__file__).parent.parent
CONFIGURATIONS = Path(__file__).parent / "peers"


class Configuration(string.Template):
    """``@{name}`` is filled in.  nginx and haproxy have their own use for ``$`` and ``%``."""

    delimiter = "@"


class Site:
    """Where peers run.  ``origin`` is the port of what they forward to, once it is started.

    Leaving ``besides`` stops what else was started here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.origin = 0
        self.besides = ExitStack()
        self._postgres: Postgres | None = None

    def render(self, configuration: str, **values: object) -> Path:
        """Write ``bench/peers/<configuration>`` to the folder with ``values``, ``folder`` and ``origin`` filled in."""
        text = (CONFIGURATIONS / configuration).read_text()
        target = self.folder / configuration
        target.write_text(Configuration(text).substitute(values, folder=self.folder, origin=self.origin))
        return target

    def process(self, name: str, argv: list[str], environ: dict[str, str] | None = None) -> Process:
        return Process(argv, self.folder / f"{name}.log", environ)

    def postgres(self) -> Postgres:
        """A PostgreSQL server of the run's own, started where it is first asked for."""
        if self._postgres is None:
            self._postgres = self.besides.enter_context(postgres_server())
        return self._postgres

    def asked(self) -> int | None:
        """How often the origin was asked so far, but for the last instants; None where it is no nginx."""
        log = self.folder / "asked.log"
        return log.stat().st_size // 2 if log.exists() else None

    def start_origin(self) -> Process:
        self.origin = free_port()
        if nginx := shutil.which("nginx"):
            file = self.render("origin.nginx.conf", port=self.origin, answer=ANSWER.decode())
            argv = [nginx, "-e", "stderr", "-p", str(self.folder), "-c", str(file)]
        else:
            argv = uvicorn("bench.hello:app", self.origin)
        return self.process("origin", argv)


def uvicorn(application: str, port: int) -> list[str]:
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    options += ["--app-dir", str(ROOT), "--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, "-m", "uvicorn", application, *options]


def free_port() -> int:
    """A port that nobody has right now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
