"""Key files, as people change them: whole or not at all, and for their owner only."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from gateway.crypto.written import read

BYTES = 32


def new_id() -> str:
    """Of today, so that people see how old it is, and no other's of the day."""
    return f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(2)}"


def new_bytes() -> bytes:
    return secrets.token_bytes(BYTES)


def new_token() -> str:
    """Of 256 bits."""
    return secrets.token_urlsafe(BYTES)


def read_file(path: Path) -> dict[str, bytes]:
    """By their ids, in their order; none where there is no file.  ValueError, OSError where it cannot be used."""
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return {}
    return read(text, "key", lambda _: None) if text.strip() else {}


def change_file(path: Path, change: Callable[[dict[str, bytes]], Mapping[str, bytes]]) -> None:
    """One change after another, so that none of two at once is lost.  Errors as of reading and writing."""
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        _write(path.resolve(), change(read_file(path)))
        os.fsync(folder)  # a gateway seals with it from now on, so its name must outlast a power failure too
    finally:
        os.close(folder)


def _write(path: Path, keys: Mapping[str, bytes]) -> None:
    """One a line.  Whoever reads meanwhile reads the old or the new."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:  # noqa: PTH123
            _like(file.fileno(), path)
            file.write("".join(f"{identifier}:{key.hex()}\n" for identifier, key in keys.items()))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _like(draft: int, path: Path) -> None:
    """Of the same owner as the file before it, so that a gateway that runs as another user still reads it."""
    if path.exists() and os.geteuid() == 0:
        owner = path.stat()
        os.fchown(draft, owner.st_uid, owner.st_gid)
