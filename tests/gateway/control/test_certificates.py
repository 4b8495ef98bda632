"""What the data port shows its clients, and what becomes of it when its files change."""

from __future__ import annotations

import asyncio
import ssl
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from gateway.control.certificates import Certificates, tls_context
from gateway.control.start import BadStart


def shown_by(context: ssl.SSLContext, trust: ssl.SSLContext) -> int:
    """The serial number of the certificate that a client is shown, in a handshake in memory."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(into, out, server_side=True)
    client = trust.wrap_bio(out, into, server_hostname="127.0.0.1")
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    shown = client.getpeercert()
    assert shown is not None
    return int(str(shown["serialNumber"]), 16)


@pytest.fixture
def trust(authority_ca) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority_ca.configure_trust(context)
    return context


@pytest.fixture
def write(authority_ca, files):
    """Write another certificate, or only its key."""

    def write(*, certificate: bool = True) -> None:
        issued = authority_ca.issue_cert("127.0.0.1")
        if certificate:
            files[0].write_bytes(issued.cert_chain_pems[0].bytes())
        files[1].write_bytes(issued.private_key_pem.bytes())

    return write


def test_a_certificate_that_was_replaced_is_shown_to_new_clients(files, trust, write) -> None:
    certificates = Certificates(*files)
    first = shown_by(certificates.context, trust)
    write()
    assert certificates.renew() is None
    assert shown_by(certificates.context, trust) != first


def test_no_handshake_fails_while_certificates_are_renewed(files, trust, write) -> None:
    certificates = Certificates(*files)
    enough = Event()

    def renew() -> None:
        while not enough.is_set():
            write()
            assert certificates.renew() is None

    with ThreadPoolExecutor() as threads:
        renewing = threads.submit(renew)
        try:
            assert len({shown_by(certificates.context, trust) for _ in range(200)}) > 1
        finally:
            enough.set()
        renewing.result()


def test_files_that_cannot_serve_leave_the_last_good_ones_in_use_and_are_told_once(files, trust, write) -> None:
    certificates = Certificates(*files)
    first = shown_by(certificates.context, trust)
    write(certificate=False)
    assert "mismatch" in str(certificates.renew())
    assert certificates.renew() is None
    assert shown_by(certificates.context, trust) == first


def test_files_that_are_away_for_a_moment_are_taken_once_they_are_back(files, trust, write) -> None:
    certificates = Certificates(*files)
    first = shown_by(certificates.context, trust)
    files[0].unlink()
    assert f"cannot read {files[0]}" in str(certificates.renew())
    write()
    assert certificates.renew() is None
    assert shown_by(certificates.context, trust) != first


async def test_whoever_watches_tells_of_files_that_cannot_serve(files, write) -> None:
    told: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
    watching = asyncio.create_task(Certificates(*files).watch(0.01, lambda code, **said: told.set_result({code: said})))
    write(certificate=False)
    async with asyncio.timeout(10):
        [(code, said)] = (await told).items()
    watching.cancel()
    assert (code, said["severity"]) == ("certificate_rejected", "critical")


def test_a_certificate_that_is_not_there_is_named(files) -> None:
    certificate, key = files
    certificate.unlink()
    with pytest.raises(BadStart, match=f"^cannot read {certificate}"):
        tls_context(certificate, key)


def test_a_certificate_that_is_none_is_named(files) -> None:
    certificate, key = files
    certificate.write_text("not a certificate")
    with pytest.raises(BadStart, match=f"^cannot use {certificate} and {key} for TLS on the data port: not a "):
        tls_context(certificate, key)


def test_a_key_of_another_certificate_is_refused(files, authority_ca) -> None:
    certificate, key = files
    key.write_bytes(authority_ca.issue_cert("127.0.0.1").private_key_pem.bytes())
    with pytest.raises(BadStart, match="mismatch"):
        tls_context(certificate, key)
