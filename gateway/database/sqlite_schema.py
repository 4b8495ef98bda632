"""The schema of a SQLite file: which version it says it has, and its way to the newest."""

from __future__ import annotations

import sqlite3

from gateway.database.schema import VERSION_OF, VERSION_TABLE, Migrate, behind, refuse_manual, statements


def version(connection: sqlite3.Connection) -> str | None:
    """None where the file is empty."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (VERSION_TABLE,)).fetchone():
        return None
    row = connection.execute(VERSION_OF).fetchone()
    return None if row is None else str(row[0])


def bring_up(connection: sqlite3.Connection, migrate: Migrate) -> bool:
    """Whether it had to be.  SchemaMismatch where it is newer, or older and only a person may change it."""
    found = version(connection)
    if not behind(found):
        return False
    if migrate == "manual":
        raise refuse_manual(found)
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{statements('sqlite', found)}\nCOMMIT;")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.rollback()
        raise
    return True
