"""Since when keys are known, how often each was used, which were retired; and the walk that seals anew."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

COLUMNS = ("since DOUBLE PRECISION", "uses BIGINT NOT NULL DEFAULT 0", "retired_at DOUBLE PRECISION")

REENCRYPTIONS = """
CREATE TABLE reencryptions (
    id TEXT NOT NULL PRIMARY KEY,
    asked_by TEXT NOT NULL,
    asked_at DOUBLE PRECISION NOT NULL,
    holder TEXT,
    lease_until DOUBLE PRECISION,
    place BIGINT NOT NULL,
    position TEXT NOT NULL,
    moved BIGINT NOT NULL,
    moved_before BIGINT NOT NULL,
    unreadable BIGINT NOT NULL,
    done_at DOUBLE PRECISION
)
"""


def upgrade() -> None:
    for column in COLUMNS:
        op.execute(f"ALTER TABLE key_checks ADD COLUMN {column}")
    op.execute(REENCRYPTIONS)
