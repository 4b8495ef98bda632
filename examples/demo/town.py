"""Who takes part in the demo, and where: the fake Stripe, the backend, the gateway."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from examples.demo.service import Service

POLICY = Path("policies/payments.yaml")
BACKEND_IN_POLICY, STRIPE_IN_POLICY = "http://127.0.0.1:9000", "https://api.stripe.com"
PATIENT, SOON = "stuck_after: 60s\n", "stuck_after: 1s\n    every: 1s\n"
"""When a payment whose answer was lost is asked after: by the policy, and here, where somebody looks on."""

FOREIGN = ("PAYGUARD_", "DATABASE_URL", "DB_", "REDIS_URL", "ENCRYPTION_KEY", "HASH_SALT", "OTEL_")
"""Settings of a gateway that is not this one: the demo brings its own."""


@dataclass(frozen=True, slots=True)
class Town:
    """All services, up and ready."""

    stripe_url: str
    backend_url: str
    gateway_url: str
    admin_url: str
    policy: Path
    book: Path
    """The backend's own database."""
    stripe: Service
    backend: Service
    gateway: Service

    def check(self) -> None:
        """ServiceFailedError where one has ended by itself."""
        for service in (self.gateway, self.backend, self.stripe):
            service.check()


@contextmanager
def town() -> Iterator[Town]:
    """Everything started in order, and stopped in reverse, also where a start fails."""
    stripe_port, backend_port, port, admin_port = (free_port(preferred) for preferred in (12111, 9000, 8080, 9901))
    stripe_url, backend_url = (f"http://127.0.0.1:{number}" for number in (stripe_port, backend_port))
    with TemporaryDirectory(prefix="payguard-demo-") as name, ExitStack() as started:
        folder = Path(name)
        policy = policy_for(backend_url, stripe_url, folder)
        book = folder / "book.sqlite"
        stripe = started.enter_context(_stripe(stripe_port, folder))
        backend = started.enter_context(_backend(backend_port, f"http://127.0.0.1:{port}/stripe", book, folder))
        gateway = started.enter_context(_gateway(port, admin_port, policy, folder))
        yield Town(
            stripe_url=stripe_url,
            backend_url=backend_url,
            gateway_url=f"http://127.0.0.1:{port}",
            admin_url=f"http://127.0.0.1:{admin_port}",
            policy=policy,
            book=book,
            stripe=stripe,
            backend=backend,
            gateway=gateway,
        )


def free_port(preferred: int) -> int:
    """``preferred`` where nobody listens there, else any."""
    for candidate in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            number: int = probe.getsockname()[1]
            return number
    raise OSError("No port is free on 127.0.0.1")


def policy_for(backend_url: str, stripe_url: str, folder: Path) -> Path:
    """A copy of the policy that differs in the addresses of its upstreams, and asks after lost answers soon."""
    copy, text = folder / POLICY.name, POLICY.read_text()
    for old, new in ((BACKEND_IN_POLICY, backend_url), (STRIPE_IN_POLICY, stripe_url), (PATIENT, SOON)):
        text = text.replace(old, new)
    copy.write_text(text)
    return copy


def _python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def _stripe(port: int, folder: Path) -> Service:
    return Service(
        "The fake Stripe",
        _python("examples.stripe", "--port", str(port)),
        f"http://127.0.0.1:{port}/_double/healthz",
        log=folder / "stripe.log",
    )


def _backend(port: int, stripe_url: str, book: Path, folder: Path) -> Service:
    """It finds Stripe behind the gateway, and does not know that."""
    return Service(
        "The backend",
        _python("examples.backend"),
        f"http://127.0.0.1:{port}/healthz",
        log=folder / "backend.log",
        environment={"PORT": str(port), "STRIPE_API_BASE": stripe_url, "BOOK": str(book)},
    )


def _gateway(port: int, admin_port: int, policy: Path, folder: Path) -> Service:
    arguments = ["serve", "--policy", str(policy), "--port", str(port), "--admin-port", str(admin_port)]
    return Service(
        "The gateway",
        _python("gateway", *arguments),
        f"http://127.0.0.1:{admin_port}/readyz",
        log=folder / "gateway.log",
        environment={
            "PAYGUARD_DATA_DIR": str(folder / "payguard-data"),
            "PAYGUARD_DRAIN_DELAY": "0s",
            "ENCRYPTION_KEY": secrets.token_hex(32),
            "HASH_SALT": secrets.token_hex(32),
        },
    )


def forget_foreign_settings() -> None:
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
