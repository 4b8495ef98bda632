"""The peers of a run: the origin and the proxies before it, started together and stopped together."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
from rich.console import Console

from bench.peers import NotInstalled, Peer, Running, launch, wait_for
from bench.peers.gateway import (
    CACHED,
    CACHED_REDIS,
    MISSED,
    NAMED,
    PASS_THROUGH,
    PAYMENTS,
    PROTECTED,
    RECORDED,
    RECORDED_POSTGRES,
)
from bench.peers.proxies import HAPROXY, HELLO, HTTPX, MODSECURITY, NGINX
from bench.site import Site

PEERS = (
    NGINX,
    HAPROXY,
    HELLO,
    PASS_THROUGH,
    NAMED,
    CACHED,
    CACHED_REDIS,
    MISSED,
    PROTECTED,
    RECORDED,
    RECORDED_POSTGRES,
    PAYMENTS,
    HTTPX,
    MODSECURITY,
)
TITLES = {peer.name: peer.title for peer in PEERS}


@contextmanager
def started(peers: Sequence[Peer], console: Console) -> Iterator[tuple[Site, list[Running]]]:
    """The origin and those of ``peers`` that are installed, on loopback in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="payguard-bench-") as folder, ExitStack() as stack:
        site = Site(Path(folder))
        site.folder.chmod(0o755)  # nginx's workers run as nobody where the bench runs as root
        stack.enter_context(site.besides)
        origin = stack.enter_context(site.start_origin())
        wait_for(site.origin, origin)
        running = []
        for peer in peers:
            try:
                running.append(launch(peer, site))
            except NotInstalled as missing:
                console.print(f"[yellow]{peer.name} is skipped: {missing}[/]")
            else:
                stack.enter_context(running[-1].process)
        yield site, running


def chosen(only: str | None, peers: Sequence[Peer] = PEERS) -> list[Peer]:
    """Those of ``peers`` that ``--only`` names, in their own order; all of them where it names none."""
    if only is None:
        return list(peers)
    names = {name.strip() for name in only.split(",")}
    known = [peer.name for peer in peers]
    if unknown := names - set(known):
        raise click.BadParameter(f"{', '.join(sorted(unknown))}; there are {', '.join(known)}", param_hint="--only")
    return [peer for peer in peers if peer.name in names]


def console() -> Console:
    """As wide as the terminal; where there is none, as wide as the tables."""
    found = Console()
    return found if found.is_terminal else Console(width=130)
