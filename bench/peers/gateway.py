"""Payguard itself, as ``payguard serve``: the repository's policies, with the bench's origin as their upstream."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.peers import Command, NotInstalled, Peer
from bench.site import ROOT, Site, free_port


def _serve(policy: str) -> Callable[[Site, int], Command]:
    def command(site: Site, port: int) -> Command:
        source = ROOT / policy
        if not source.exists() or importlib.util.find_spec("gateway.admin.app") is None:
            raise NotInstalled(f"no {policy}, or no `payguard serve` yet")
        file = turned(source, site)
        options = ["--policy", str(file), "--port", str(port), "--admin-port", str(free_port())]
        return Command([sys.executable, "-m", "gateway", "serve", *options], _environ(site, source.stem))

    return command


def turned(source: Path, site: Site) -> Path:
    """A copy of the policy whose upstreams all are the bench's origin."""
    yaml = YAML()
    document: dict[str, Any] = yaml.load(source)
    for upstream in document["upstreams"].values():
        upstream["url"] = f"http://127.0.0.1:{site.origin}"
    target = site.folder / source.name
    yaml.dump(document, target)
    return target


def _environ(site: Site, name: str) -> dict[str, str]:
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
PROTECTED = Peer("payguard-protected", "Payguard, sanitise", _serve("bench/peers/protected.yaml"))
PASS_THROUGH = Peer("payguard", "Payguard, pass-through", _serve("policies/pass-through.yaml"))
PAYMENTS = Peer("payguard-payments", "Payguard, policies/payments.yaml", _serve("policies/payments.yaml"))
