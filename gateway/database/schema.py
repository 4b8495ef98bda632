"""The schema: which revision this program needs, and how a database gets there.

Alembic writes the statements, in a child process: what it imports takes 22 MiB, which the gateway would keep.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Literal

from gateway.database.protocol import SchemaMismatch

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Those that this program knows, the oldest first.  It works with the last."""

HEAD = REVISIONS[-1]

VERSION_TABLE = "schema_version"

VERSION_OF = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 - a constant

Migrate = Literal["auto", "manual"]

Dialect = Literal["sqlite", "postgresql"]

TAKES = 120.0
"""Seconds: a database that is behind by much, on a slow disk."""


def behind(version: str | None) -> bool:
    """Whether the schema has to be brought up to date; None is an empty database.  SchemaMismatch where it is newer."""
    if version is not None and version not in REVISIONS:
        raise SchemaMismatch(
            f"the database's schema is at {version}, which this payguard does not know: it is newer; "
            f"this one works with {HEAD}. Run the newer payguard, or restore a backup from before its migration"
        )
    return version != HEAD


def refuse_manual(version: str | None) -> SchemaMismatch:
    return SchemaMismatch(
        f"the database's schema is {'empty' if version is None else f'at {version}'} and this payguard needs {HEAD}: "
        "run `payguard ledger migrate`, or set PAYGUARD_LEDGER_MIGRATE=auto"
    )


def statements(dialect: Dialect, version: str | None) -> str:
    """The SQL from this revision to the newest.  It waits for a process: not on the event loop."""
    done = subprocess.run(  # noqa: S603 - no words but our own
        [sys.executable, "-m", "gateway.database.migrations", dialect, version or "base"],
        capture_output=True,
        text=True,
        timeout=TAKES,
        check=False,
    )
    if done.returncode:
        raise SchemaMismatch(f"the schema's migrations cannot be read: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout
