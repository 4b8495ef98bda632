"""Business references of payments, and the schedules by which declined ones are tried again."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

COLUMNS = ("reference", "method")

RETRIES = """
CREATE TABLE retries (
    payment TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    route TEXT NOT NULL,
    owner TEXT,
    reference {bytes} NOT NULL,
    method {bytes} NOT NULL,
    amount BIGINT,
    currency TEXT,
    code TEXT NOT NULL,
    number BIGINT NOT NULL,
    declined BIGINT NOT NULL,
    missed BIGINT NOT NULL,
    attempt TEXT,
    keep DOUBLE PRECISION NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    until_at DOUBLE PRECISION NOT NULL,
    due_at DOUBLE PRECISION,
    ended_at DOUBLE PRECISION,
    gone_at DOUBLE PRECISION,
    history TEXT NOT NULL,
    request {bytes}
)
"""

INDEXES = (
    # one that may yet be, or was, executed: the database itself refuses the second
    """CREATE UNIQUE INDEX payments_reference ON payments (reference)
    WHERE reference IS NOT NULL AND state <> 'failed' AND state <> 'released'""",
    "CREATE INDEX payments_referred ON payments (reference, created_at) WHERE reference IS NOT NULL",
    "CREATE INDEX payments_method ON payments (method, created_at) WHERE method IS NOT NULL",
    "CREATE INDEX payments_link ON payments (link_id, id) WHERE link_id IS NOT NULL",
    "CREATE INDEX retries_due ON retries (due_at) WHERE due_at IS NOT NULL",
    "CREATE UNIQUE INDEX retries_reference ON retries (reference) WHERE due_at IS NOT NULL",
    "CREATE INDEX retries_method ON retries (method) WHERE due_at IS NOT NULL",
    "CREATE INDEX retries_open ON retries (payment) WHERE due_at IS NOT NULL",
    "CREATE INDEX retries_gone ON retries (gone_at) WHERE gone_at IS NOT NULL",
)


def upgrade() -> None:
    kind = "BLOB" if op.get_context().dialect.name == "sqlite" else "BYTEA"
    for column in COLUMNS:
        op.execute(f"ALTER TABLE payments ADD COLUMN {column} {kind}")
    op.execute(RETRIES.format(bytes=kind))
    for index in INDEXES:
        op.execute(index)
