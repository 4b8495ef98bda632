"""A SQLite file: how it is opened so that what is committed stays, who owns it, and what its errors mean."""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from gateway.database.protocol import Row, Unfit
from gateway.database.statement import changes, returned, tells_itself

CHECKPOINT = 4000
"""Pages (16 MiB) of the log before they are moved into the file: fewer moves of a page that is written again."""

LOG_KEPT = 64 << 20

BUSY = 5.0
"""Seconds in which whoever else writes, a person with a tool say, has to let go."""

ASKS_EVERY = 0.01

_DOWN = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }
)
"""Result codes that say nothing of the statement: https://sqlite.org/rescode.html."""


# without these, sqlite3 looks for a way to adapt each None and each bytes anew: half a microsecond each
sqlite3.register_adapter(type(None), lambda none: none)
sqlite3.register_adapter(bytes, bytearray)


class Spoken(NamedTuple):
    """A statement in SQLite's own words."""

    text: str
    timed: bool
    """Whether its last parameter is the time: a function of SQLite's would be called for each place that names it."""
    counted: bool
    """Whether it returns ``$1`` for each row that it changed, so that they need only be counted: RETURNING makes a
    table of its own at each execution, a third of what a statement costs."""


@lru_cache(maxsize=1024)
def dialect(statement: str) -> Spoken:
    said = statement.replace("{skip_locked}", "").replace("{alone}", "1 = 1")
    timed = "{now}" in said
    if timed:
        last = max(map(int, re.findall(r"\$(\d+)", said)), default=0)
        said = said.replace("{now}", f"${last + 1}")
    counted = changes(statement) and tells_itself(statement) and "," not in str(returned(statement))
    if counted:
        said = said.rpartition("RETURNING ")[0]
    return Spoken(re.sub(r"\$(\d+)", r"?\1", said), timed, counted)


def execute(cursor: sqlite3.Cursor, statement: str, values: tuple[Any, ...], now: float) -> list[Row]:
    said = dialect(statement)
    cursor.execute(said.text, (*values, now) if said.timed else values)
    return [(values[0],)] * cursor.rowcount if said.counted else cursor.fetchall()


def connect(
    path: Path, *, cache: int, pages: int | None = None, reads: bool = False, waits: bool = True
) -> sqlite3.Connection:
    """A connection with a cache of ``cache`` KiB, on which transactions begin and end by hand.

    FULL: a commit returns once it is on the disk (https://sqlite.org/pragma.html#pragma_synchronous), and no spill:
    nothing else writes to it.  No memory mapping: a disk that fails would then kill the process by a signal.  ``pages``
    is the most that the file may have.  Whether it ``waits`` while somebody else writes, is for ``begin`` to say where
    it does not.
    """
    connection = sqlite3.connect(
        path, timeout=BUSY if waits else 0.0, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    pragmas = [
        "synchronous=FULL",
        "fullfsync=ON",
        "checkpoint_fullfsync=ON",
        f"cache_size=-{cache}",
        "mmap_size=0",
        "cache_spill=OFF",
        "temp_store=MEMORY",
        f"wal_autocheckpoint={CHECKPOINT}",
        f"journal_size_limit={LOG_KEPT}",
    ]
    if pages is not None:
        pragmas.append(f"max_page_count={pages}")
    if reads:
        pragmas.append("query_only=ON")
    try:
        [mode] = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:
        connection.close()
        raise
    if mode != "wal":
        connection.close()
        raise Unfit(f"the database {path} cannot keep a write-ahead log: it has to lie on a disk of this machine")
    return connection


def begin(cursor: sqlite3.Cursor, within: float = BUSY) -> bool:
    """Begin to write; False, or sqlite3.OperationalError where there was time, while somebody else does."""
    until = time.monotonic() + within
    while True:
        try:
            cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            if not within:
                return False
            if time.monotonic() > until:
                raise
            time.sleep(ASKS_EVERY)
        else:
            return True


def own(path: Path) -> int:
    """A descriptor that holds the file for this process until it is closed; Unfit where another has it."""
    lock = path.with_name(f"{path.name}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Unfit(
            f"another gateway uses the database {path}: give each its own data folder (PAYGUARD_DATA_DIR), "
            "or both one PostgreSQL (DATABASE_URL)"
        ) from None
    return descriptor


def reason(error: OSError | sqlite3.Error) -> str:
    """The words for it, within a sentence."""
    words = getattr(error, "strerror", None) or str(error)
    return words[:1].lower() + words[1:]


def is_down(error: sqlite3.Error) -> bool:
    """Whether it says that the database is away, full or broken, and nothing of the statement."""
    code = getattr(error, "sqlite_errorcode", None)  # the module's own errors have none
    return code is not None and code & 0xFF in _DOWN


def is_full(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
