"""``python -m bench.cache_tests``: the public HTTP cache test-suite against Payguard, nginx and Varnish.

The suite is that of https://cache-tests.fyi (BSD-3-Clause), taken from npm; it runs on Node, with an origin of its own.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bench.peers import NotInstalled, Peer, launch, program, wait_for
from bench.peers.caches import NGINX, PAYGUARD, VARNISH
from bench.report import keep
from bench.running import chosen, console
from bench.site import Site, free_port

PACKAGE, VERSION = "http-cache-tests", "0.4.5"
KINDS = ("required", "optimal", "check")
SECONDS = 600.0

LOOPBACK = (
    "data:text/javascript,import http from 'node:http'; const listen = http.Server.prototype.listen;"
    "http.Server.prototype.listen = function (port) { return listen.call(this, port, '127.0.0.1') }"
)
"""The suite's origin would listen everywhere."""

LIST = (
    "import tests from './tests/index.mjs'; import more from './tests/surrogate-control.mjs';"
    "console.log(JSON.stringify([...tests, more].flatMap(suite => suite.tests.map(test => ({suite: suite.id,"
    " id: test.id, name: test.name, kind: test.kind ?? 'required', needs: test.depends_on ?? [],"
    " browser: test.browser_only === true})))))"
)

SECURITY = ("other-authorization", "cc-resp-no-store", "cc-resp-private", "ccreq-no-store", "vary-", "other-set-cookie")
"""How the names of the tests begin whose failing would let somebody see what is somebody else's, or what was not to be
kept."""


@dataclass(frozen=True)
class Case:
    """``needs`` are tests without which this one says nothing."""

    suite: str
    id: str
    name: str
    kind: str
    needs: tuple[str, ...]

    @property
    def guards(self) -> bool:
        return self.kind == "required" and self.id.startswith(SECURITY)


Results = Mapping[str, Any]
"""By the test's id: true, or what kind of failure it was and what it says."""


@click.command()
@click.option("--only", metavar="NAMES", help="Some of payguard, nginx, varnish.")
@click.option("--failures", is_flag=True, help="List each required or optimal test that Payguard does not pass.")
def main(*, only: str | None, failures: bool) -> None:
    """Pass or fail of each cache, by the kinds of tests; the exit code says if Payguard is ahead of both."""
    screen = console()
    with tempfile.TemporaryDirectory(prefix="payguard-bench-") as folder:
        site = Site(Path(folder))
        site.folder.chmod(0o755)
        suite = installed(site)
        tests = list(listed(suite))
        results: dict[str, Results] = {}
        for peer in chosen(only, (PAYGUARD, NGINX, VARNISH)):
            try:
                results[peer.name] = judged(peer, site, suite)
            except NotInstalled as missing:
                screen.print(f"[yellow]{peer.name} is skipped: {missing}[/]")
    show(screen, tests, results)
    if failures:
        list_failures(screen, tests, results["payguard"])
    kept = keep("cache-tests", {"suite": f"{PACKAGE} {VERSION}", "results": results})
    screen.print(f"Each result: {kept}", soft_wrap=True)
    raise SystemExit(0 if is_ahead(tests, results) else 1)


def installed(site: Site) -> Path:
    """The suite's folder, with what it needs, from the npm registry."""
    npm, package = program("npm"), f"{PACKAGE}@{VERSION}"
    said = subprocess.run(
        [npm, "pack", package, "--silent"], cwd=site.folder, check=True, capture_output=True, text=True
    )
    subprocess.run(["tar", "xzf", said.stdout.strip()], cwd=site.folder, check=True)
    folder = site.folder / "package"
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--no-save"]
    subprocess.run([npm, "install", "node-fetch@2", "liquidjs@9", "--omit=dev", *quiet], cwd=folder, check=True)
    return folder


def listed(suite: Path) -> Iterator[Case]:
    """The tests for shared caches."""
    said = subprocess.run(
        [program("node"), "--input-type=module", "--eval", LIST], cwd=suite, check=True, capture_output=True, text=True
    )
    for each in json.loads(said.stdout):
        if not each.pop("browser"):
            yield Case(**{**each, "needs": tuple(each["needs"])})


def judged(peer: Peer, site: Site, suite: Path) -> Results:
    """All tests against one cache, before an origin of its own: what one was asked tells the next nothing."""
    with ExitStack() as stack:
        site.origin = free_port()
        options = {"protocol": "http", "port": str(site.origin), "base": "", "id": "", "pidfile": "server.pid"}
        settings = {f"npm_package_config_{name}": value for name, value in options.items()}
        origin = stack.enter_context(_node(site, suite, ["--import", LOOPBACK, "server/server.mjs"], settings))
        wait_for(site.origin, origin)
        running = launch(peer, site)
        stack.enter_context(running.process)
        settings["npm_package_config_base"] = f"http://127.0.0.1:{running.port}"
        said = subprocess.run(
            [program("node"), "--no-warnings", "cli.mjs"],
            cwd=suite,
            env={"PATH": "/usr/bin:/bin", **settings},
            check=True,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        return dict(json.loads(said.stdout[said.stdout.index("{\n") :]))


def _node(site: Site, suite: Path, arguments: list[str], settings: dict[str, str]) -> Any:
    argv = [program("env"), "-C", str(suite), program("node"), *arguments]
    return site.process(f"cache-tests-{site.origin}", argv, settings)


def passed(test: Case, results: Results, tests: Mapping[str, Case]) -> bool:
    """Whether it passed, and those without which that says nothing."""
    return results.get(test.id) is True and all(
        passed(tests[each], results, tests) for each in test.needs if each in tests
    )


def count(tests: Sequence[Case], results: Results, kind: str) -> int:
    by_id = {test.id: test for test in tests}
    return sum(passed(test, results, by_id) for test in tests if test.kind == kind)


def is_ahead(tests: Sequence[Case], results: Mapping[str, Results]) -> bool:
    """Whether Payguard passes more of the required tests than each other cache, and all that guard somebody's data."""
    ours = results["payguard"]
    others = [count(tests, each, "required") for name, each in results.items() if name != "payguard"]
    safe = all(ours.get(test.id) is True for test in tests if test.guards)
    return safe and count(tests, ours, "required") > max(others, default=-1)


def show(screen: Console, tests: Sequence[Case], results: Mapping[str, Results]) -> None:
    table = Table(title=f"{PACKAGE} {VERSION}: tests passed")
    table.add_column("")
    for name in results:
        table.add_column(name, justify="right")
    for kind in KINDS:
        total = sum(test.kind == kind for test in tests)
        table.add_row(f"{kind} ({total})", *(str(count(tests, each, kind)) for each in results.values()))
    guards = [test for test in tests if test.guards]
    failing = [str(sum(each.get(test.id) is not True for test in guards)) for each in results.values()]
    table.add_row(f"of {len(guards)} that guard somebody's data, failing", *failing)
    screen.print(table)


def list_failures(screen: Console, tests: Sequence[Case], results: Results) -> None:
    for test in tests:
        result = results.get(test.id)
        if test.kind != "check" and result is not True:
            reason = result[1] if isinstance(result, list) and len(result) > 1 else result
            screen.print(f"{test.kind:<9}{test.id}: {test.name}\n           {reason}", markup=False, highlight=False)


if __name__ == "__main__":
    main()
