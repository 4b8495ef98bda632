"""A database whose keys were known before that was noted keeps them, as old ones."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from gateway.database.schema import REVISIONS, statements


def test_keys_that_are_known_stay_known_and_count_from_zero(tmp_path) -> None:
    older = statements("sqlite", None).split("-- Running upgrade")
    newer = next(each for each in older if f"-> {REVISIONS[REVISIONS.index('0006')]}" in each)
    with closing(sqlite3.connect(tmp_path / "keys.db")) as connection:
        connection.execute("CREATE TABLE key_checks (kind TEXT, id TEXT, value TEXT, PRIMARY KEY (kind, id))")
        connection.execute("CREATE TABLE schema_version (version_num TEXT)")
        connection.execute("INSERT INTO key_checks VALUES ('ENCRYPTION_KEY', '1', 'abcd')")
        connection.executescript("".join(line for line in newer.splitlines(keepends=True)[1:]))
        known = connection.execute("SELECT id, value, since, uses, retired_at FROM key_checks").fetchall()

    assert known == [("1", "abcd", None, 0, None)]
