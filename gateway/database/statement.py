"""Statements: what their text says of the rows that they return."""

from __future__ import annotations

import re


def returned(statement: str) -> str | None:
    """What stands behind its last RETURNING."""
    _, found, what = statement.rpartition("RETURNING ")
    return what.strip() if found else None


def tells_itself(statement: str) -> bool:
    """Whether each row that it returns begins with ``$1``, so that many executions of it can be told apart.

    It returns ``$1`` itself, or a column that it compares with it or inserts it into.
    """
    first = re.match(r"(\$1\b)|CAST\(\$1 AS \w+\)|(\w+)(?=\s*(?:,|$))", returned(statement) or "")
    if first is None:
        return False
    column = first[2]
    if column is None:
        return True
    compared = rf"(?<![\w.]){column}\s*=\s*\$1\b"
    inserted = rf"INSERT INTO \w+\s*\(\s*{column}\b[^)]*\)\s*VALUES\s*\(\s*\$1\b"
    return re.search(rf"{compared}|{inserted}", statement) is not None


def changes(statement: str) -> bool:
    """Whether it is an INSERT, UPDATE or DELETE, and not one behind a WITH."""
    return re.match(r"\s*(INSERT|UPDATE|DELETE)\b", statement) is not None
