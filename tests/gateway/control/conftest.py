"""What a process stands on, without leaving the logs of the tests changed."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import trustme

from gateway.control.foundation import Foundation, lay
from gateway.control.settings import load_settings


@pytest.fixture
def foundation(tmp_path: Path) -> Iterator[Callable[..., Foundation]]:
    """Lays foundations from settings by their names."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def make(environ: dict[str, str] | None = None, **settings: Any) -> Foundation:
        given = {"data_dir": tmp_path / "data", "hash_salt": "00" * 16, "log_level": "error", **settings}
        return lay(load_settings(environ or {}, **given), environ or os.environ)

    yield make
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)


@pytest.fixture(scope="module")
def authority_ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(authority_ca, tmp_path) -> tuple[Path, Path]:
    issued = authority_ca.issue_cert("127.0.0.1")
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    certificate.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return certificate, key
