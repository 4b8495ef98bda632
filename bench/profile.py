"""Where Payguard's CPU time goes under load: py-spy's samples where it is installed, else cProfile's counts."""

from __future__ import annotations

import pstats
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from bench.load import Generator
from bench.peers import Command, NotInstalled, Peer, launch
from bench.peers.gateway import PAYMENTS
from bench.report import RESULTS
from bench.site import Site
from bench.workload import POST

_SECONDS = 10
_LINES = 45


def profile(site: Site, load: Generator, console: Console, peer: Peer = PAYMENTS) -> None:
    """Profile ``peer`` under the POST and keep the result."""
    RESULTS.mkdir(exist_ok=True)
    try:
        if sampler := shutil.which("py-spy"):
            console.print(f"Profile: {_sampled(sampler, site, load, peer)}")
        else:
            console.print(_counted(site, load, peer), highlight=False, soft_wrap=True)
    except NotInstalled as missing:
        console.print(f"[yellow]no profile: {missing}[/]")


def _sampled(sampler: str, site: Site, load: Generator, peer: Peer) -> Path:
    """Stacks of py-spy, folded, one a line with its samples."""
    target = RESULTS / f"{peer.name}.folded"
    running = launch(peer, site)
    with running.process as process:
        argv = [sampler, "record", "--pid", str(process.pid), "--duration", str(_SECONDS), "--rate", "500"]
        argv += ["--native", "--format", "raw", "--output", str(target)]
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as recording:
            load(running.port, POST, _SECONDS + 2, 32)
            recording.wait(60)
    return target


def _counted(site: Site, load: Generator, peer: Peer) -> str:
    """The functions of cProfile with the most time of their own.  Its own cost weighs on short functions."""
    target = RESULTS / f"{peer.name}.profile"

    def command(site: Site, port: int) -> Command:
        plain = peer.command(site, port)
        options = plain.argv[plain.argv.index("-m") :]
        return Command([sys.executable, "-m", "cProfile", "-o", str(target), *options], plain.environ)

    running = launch(Peer(f"{peer.name}-profiled", peer.title, command), site)
    with running.process:
        load(running.port, POST, _SECONDS, 32)
    with (RESULTS / f"{peer.name}.profile.txt").open("w") as text:
        pstats.Stats(str(target), stream=text).sort_stats("tottime").print_stats(_LINES)
    return (RESULTS / f"{peer.name}.profile.txt").read_text()
