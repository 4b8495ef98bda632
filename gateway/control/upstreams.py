"""Upstreams: from the policy's entry to what the data plane sends over."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from gateway.control.policy_upstreams import TlsEntry, UpstreamEntry, socket_path
from gateway.control.sharing import Lease
from gateway.dataplane.pool import Address, Pool, PoolOptions
from gateway.dataplane.retry import Retry, RetryBudget
from gateway.dataplane.upstream import Idempotent, LookUp, Timeouts, Upstream
from gateway.parts import Guard


class UnusableFile(ValueError):
    """A file that an option of ``tls`` names."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


def build_upstream(
    name: str, entry: UpstreamEntry, guards: Sequence[tuple[Guard[Any], Literal["enforce", "shadow"]]], lease: Lease
) -> Upstream:
    """Its pool and its retry budget are those that an equal entry of this name already has.

    UnusableFile where a certificate cannot be taken.
    """
    pool = _pool(name, entry, lease)
    times, retry, promise = entry.timeouts, entry.retry, entry.idempotent
    return Upstream(
        name,
        pool,
        Timeouts(times.first_byte, times.idle, times.total),
        Retry(retry.attempts, retry.backoff, retry.backoff_most, retry.statuses, retry.budget),
        idempotent=Idempotent(promise.window, promise.header) if promise else None,
        host=pool.address.authority if entry.host == "rewrite" else None,
        guards=guards,
        look_up=LookUp(entry.look_up.linearizable, entry.look_up.never_executes_after),
        budget=lease.hold(("retry budget", name, entry.url, retry.budget), lambda: RetryBudget(retry.budget)),
    )


def _pool(name: str, entry: UpstreamEntry, lease: Lease) -> Pool:
    pool = entry.pool
    options = PoolOptions(pool.connections, pool.waiting, pool.wait, pool.idle, entry.timeouts.connect)
    tls = (entry.tls or TlsEntry()) if entry.url.startswith("https:") else None
    key = ("pool", name, entry.url, options, tls and _fingerprint(tls))
    return lease.hold(key, lambda: Pool(_address(entry.url, tls), options))


def _address(url: str, tls: TlsEntry | None) -> Address:
    if (path := socket_path(url)) is not None:
        return Address("http+unix", path=path)
    parts = urlsplit(url)
    port = parts.port or (443 if tls else 80)
    return Address(parts.scheme, parts.hostname or "", port, tls=_context(tls) if tls else None)


def _fingerprint(tls: TlsEntry) -> str:
    """Of the files' contents: a renewed certificate makes a new pool."""
    digest = hashlib.sha256()
    for option, path in tls:
        digest.update(b"\0" if path is None else _content(option, path))
    return digest.hexdigest()


def _content(option: str, path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        raise UnusableFile(option, f"{path} cannot be read: {error.strerror}") from None


def _context(tls: TlsEntry) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except (ssl.SSLError, OSError):
        raise UnusableFile("ca_file", f"{tls.ca_file} holds no certificates in PEM") from None
    if tls.certificate is not None:
        try:
            context.load_cert_chain(tls.certificate, tls.key, password="")  # never ask a terminal
        except (ssl.SSLError, OSError):
            both = f"{tls.certificate} and {tls.key}"
            raise UnusableFile("certificate", f"{both} are not a certificate in PEM and its open key") from None
    return context
