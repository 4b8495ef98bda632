"""The fake Stripe and the backend, each a process of its own, for all tests of one module."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import stripe

from examples.demo.service import Service
from examples.demo.town import free_port


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def stripe_url(logs: Path) -> Iterator[str]:
    port = free_port(0)
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "examples.stripe", "--port", str(port)]
    with Service("Stripe", command, f"{url}/_double/healthz", log=logs / "stripe.log"):
        yield url


@pytest.fixture(scope="module")
def backend_url(stripe_url: str, logs: Path) -> Iterator[str]:
    port = free_port(0)
    url = f"http://127.0.0.1:{port}"
    environment = {"PORT": str(port), "STRIPE_API_BASE": stripe_url, "BOOK": str(logs / "book.sqlite")}
    command = [sys.executable, "-m", "examples.backend"]
    with Service("Backend", command, f"{url}/healthz", log=logs / "backend.log", environment=environment):
        yield url


@pytest.fixture
def fault(stripe_url: str) -> Iterator[Callable[..., None]]:
    """Adds a fault to the fake Stripe: ``fault(status=500, commit=True)``."""

    def add(**options: object) -> None:
        httpx.post(f"{stripe_url}/_double/faults", json=options, trust_env=False).raise_for_status()

    yield add
    httpx.delete(f"{stripe_url}/_double/faults", trust_env=False)


@pytest.fixture
async def client(stripe_url: str) -> stripe.StripeClient:
    """The real client, as bare as it comes: no retries."""
    http = stripe.HTTPXClient(timeout=10)
    yield stripe.StripeClient("sk_test_12345", base_addresses={"api": stripe_url}, http_client=http)
    await http.close_async()
    await asyncio.sleep(0)
