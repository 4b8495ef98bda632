"""The block list of ``rate_limit``, where it is kept beyond the store.  Keys are hashed."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

BLOCKS = """
CREATE TABLE blocks (
    id TEXT NOT NULL PRIMARY KEY,
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    ends_at DOUBLE PRECISION NOT NULL
)
"""


def upgrade() -> None:
    op.execute(BLOCKS)
    op.execute("CREATE INDEX blocks_end ON blocks (ends_at)")
