"""Payments, and what tells a wrong key from the right one."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

KEY_CHECKS = """
CREATE TABLE key_checks (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, id)
)
"""


def upgrade() -> None:
    op.execute(KEY_CHECKS)
