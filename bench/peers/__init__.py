"""The peers: each is a proxy before the same origin, started by the bench with the configurations in this folder."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.process import Process
from bench.site import Site, free_port

_START_SECONDS = 20.0


class NotInstalled(Exception):
    """A peer that is not on this machine.  The message says what is missing."""


class NotStarted(Exception):
    """A peer that is installed and does not come up.  The message ends with what it printed."""


@dataclass(frozen=True)
class Command:
    """How to start a process: its arguments, and variables added to the environment.

    ``admin`` is the port of a Payguard's metrics; ``server``, the process of the database server that works for it.
    """

    argv: list[str]
    environ: Mapping[str, str] = field(default_factory=dict)
    admin: int | None = None
    server: int | None = None


@dataclass(frozen=True)
class Peer:
    """A proxy to measure.  ``command(site, port)`` raises NotInstalled where it cannot be started here."""

    name: str
    title: str
    command: Callable[[Site, int], Command]


@dataclass(frozen=True)
class Running:
    """A peer that accepts connections on ``port``."""

    peer: Peer
    process: Process
    port: int
    command: Command
    asked: Callable[[], int | None] = lambda: None
    """How often the origin was asked so far, by anybody."""


def launch(peer: Peer, site: Site) -> Running:
    """Start ``peer`` and wait until it accepts connections."""
    port = free_port()
    command = peer.command(site, port)
    process = site.process(peer.name, command.argv, dict(command.environ))
    try:
        wait_for(port, process)
    except NotStarted:
        process.stop()
        raise
    return Running(peer, process, port, command, site.asked)


def wait_for(port: int, process: Process) -> None:
    """Until ``process`` accepts connections on ``port``; NotStarted where it ends or takes too long."""
    deadline = time.monotonic() + _START_SECONDS
    while process.running and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise NotStarted(f"{process.log.stem} does not accept connections:\n{process.last_words()}")


def program(name: str) -> str:
    """The path of a program, or NotInstalled."""
    if found := shutil.which(name):
        return found
    raise NotInstalled(f"no {name} on the PATH")


def present(path: Path, package: str) -> Path:
    """``path`` where it exists, or NotInstalled naming the Debian package that brings it."""
    if path.exists():
        return path
    raise NotInstalled(f"no {path} (Debian: {package})")
