"""Certificates: what the data port shows its clients, renewed without a restart."""

from __future__ import annotations

import asyncio
import hashlib
import os
import ssl
from collections.abc import Callable
from pathlib import Path

import structlog

from gateway.control.start import BadStart, why

log = structlog.get_logger("payguard.process")


def tls_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """For clients of the data port; BadStart where the files cannot serve."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    for file in (certificate, key):
        if file is not None and not (file.is_file() and os.access(file, os.R_OK)):
            raise BadStart(f"cannot read {file}: it is needed for TLS on the data port")
    try:
        context.load_cert_chain(certificate, key, password="")  # an encrypted key must fail, not ask a terminal
    except (OSError, ValueError) as error:
        said = getattr(error, "reason", None)  # OpenSSL's own; there is none where a file is no PEM at all
        reason = said.replace("_", " ").lower() if said else "not a certificate in PEM and its open key"
        files = certificate if key is None else f"{certificate} and {key}"
        raise BadStart(f"cannot use {files} for TLS on the data port: {reason}") from error
    return context


class Certificates:
    """A certificate and its key, in files that are replaced before it expires.

    ``context`` shows new connections what ``renew`` last found to be good; connections that are open keep theirs.
    """

    def __init__(self, certificate: Path, key: Path | None) -> None:
        self._files = (certificate, key)
        self._seen = self._digest()
        self._good = tls_context(certificate, key)
        self.context = tls_context(certificate, key)
        self.context.sni_callback = self._show

    def _show(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:  # noqa: ARG002 - ssl's signature
        """Asked in each handshake, also where the client names no host; none sees one half renewed."""
        connection.context = self._good

    async def watch(self, every: float, tell: Callable[..., None]) -> None:
        """Look at what the files hold, not at their times: a Secret's update swaps a link."""
        while True:
            await asyncio.sleep(every)
            if (reason := await asyncio.to_thread(self.renew)) is not None:
                tell("certificate_rejected", source="core", severity="critical", reason=reason)

    def renew(self) -> str | None:
        """Take what the files hold now, where it is something else; why it cannot serve, once for each content."""
        found = self._digest()
        if found == self._seen:
            return None
        self._seen = found
        try:
            self._good = tls_context(*self._files)
        except BadStart as error:
            return str(error)
        log.info("the certificate of the data port was renewed", file=str(self._files[0]))
        return None

    def _digest(self) -> str:
        """Of all files; what cannot be read is something else than what could."""
        digest = hashlib.sha256()
        for file in self._files:
            try:
                digest.update(b"" if file is None else file.read_bytes())
            except OSError as error:
                digest.update(why(error).encode())
        return digest.hexdigest()
