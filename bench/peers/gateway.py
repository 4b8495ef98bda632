"""Payguard itself, as ``payguard serve``: the repository's policies, with the bench's origin as their upstream."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.peers import Command, NotInstalled, Peer
from bench.site import ROOT, Site, free_port
from tests.servers import valkey_server

UNREACHED = "900000000/minute"


def _serve(policy: str, *, postgres: bool = False, redis: bool = False) -> Callable[[Site, int], Command]:
    def command(site: Site, port: int) -> Command:
        source = ROOT / policy
        if not source.exists() or importlib.util.find_spec("gateway.admin.app") is None:
            raise NotInstalled(f"no {policy}, or no `payguard serve` yet")
        file, server = turned(source, site), None
        environ = environ_of(site, f"{source.stem}-postgres" if postgres else source.stem)
        if postgres:
            database = site.postgres()
            environ["DATABASE_URL"], server = database.url(asyncio.run(database.create())), database.pid
        if redis:
            environ["REDIS_URL"] = site.besides.enter_context(valkey_server(site.folder)).url
        return serving(file, port, environ, server=server)

    return command


def serving(file: Path, port: int, environ: dict[str, str], *, server: int | None = None) -> Command:
    """``payguard serve`` with this policy."""
    admin = free_port()
    options = ["--policy", str(file), "--port", str(port), "--admin-port", str(admin)]
    return Command([sys.executable, "-m", "gateway", "serve", *options], environ, admin, server)


def turned(source: Path, site: Site) -> Path:
    """A copy of the policy whose upstreams all are the bench's origin.

    Its limits count as they do, by the same keys, but none is reached: what is measured is not a refusal.
    """
    yaml = YAML()
    document: dict[str, Any] = yaml.load(source)
    for upstream in document["upstreams"].values():
        upstream["url"] = f"http://127.0.0.1:{site.origin}"
    for limit in _limits(document):
        limit["limit"] = UNREACHED
    target = site.folder / source.name
    yaml.dump(document, target)
    return target


def _limits(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for route in document["routes"]:
        for each in route.get("filters", ()):
            if isinstance(each, dict) and "rate_limit" in each:
                yield from each["rate_limit"]["limits"]


def environ_of(site: Site, name: str) -> dict[str, str]:
    """Telemetry on, spans sampled and sent: the origin takes them."""
    data = site.folder / f"data-{name}"
    data.mkdir(exist_ok=True)
    return {
        "PAYGUARD_DATA_DIR": str(data),
        "PAYGUARD_DRAIN_DELAY": "0s",
        "HASH_SALT": "00" * 32,
        "ENCRYPTION_KEY": "11" * 32,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{site.origin}",
    }


RECORDED = Peer("payguard-recorded", "Payguard, principal + idempotency + ledger", _serve("bench/peers/recorded.yaml"))
RECORDED_POSTGRES = Peer(
    "payguard-postgres",
    "Payguard, the same on PostgreSQL",
    _serve("bench/peers/recorded.yaml", postgres=True),
)
PROTECTED = Peer("payguard-protected", "Payguard, sanitise + rate_limit", _serve("bench/peers/protected.yaml"))
NAMED = Peer("payguard-named", "Payguard, principal", _serve("bench/peers/named.yaml"))
CACHED = Peer("payguard-cached", "Payguard, principal + cache: GET is a hit", _serve("bench/peers/cached.yaml"))
CACHED_REDIS = Peer(
    "payguard-redis",
    "Payguard, the same: GET is a hit in Redis",
    _serve("bench/peers/cached-redis.yaml", redis=True),
)
MISSED = Peer("payguard-missed", "Payguard, the same: GET is a miss", _serve("bench/peers/missed.yaml"))
PASS_THROUGH = Peer("payguard", "Payguard, pass-through", _serve("policies/pass-through.yaml"))
PAYMENTS = Peer("payguard-payments", "Payguard, policies/payments.yaml", _serve("policies/payments.yaml"))
