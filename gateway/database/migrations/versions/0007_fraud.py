"""What ``fraud`` decided, its lists, and what payments turned out to be.  Keys are hashed."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

DECISIONS = """
CREATE TABLE decisions (
    id TEXT NOT NULL PRIMARY KEY,
    payment TEXT,
    request_id TEXT NOT NULL,
    route TEXT NOT NULL,
    mode TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    operation TEXT NOT NULL,
    amount BIGINT,
    currency TEXT,
    decision TEXT NOT NULL,
    score BIGINT NOT NULL,
    decided_by TEXT NOT NULL,
    model TEXT NOT NULL,
    policy TEXT NOT NULL,
    keys TEXT NOT NULL,
    reasons TEXT NOT NULL,
    meaning BIGINT NOT NULL,
    factors {bytes} NOT NULL
)
"""

LISTS = """
CREATE TABLE fraud_lists (
    list TEXT NOT NULL,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    ends_at DOUBLE PRECISION,
    PRIMARY KEY (list, kind, digest)
)
"""

LABELS = """
CREATE TABLE fraud_labels (
    payment TEXT NOT NULL PRIMARY KEY,
    fraud BIGINT NOT NULL,
    source TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    author TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL
)
"""

MATURED = "CREATE TABLE fraud_matured (until TEXT NOT NULL)"
"""One row: decisions up to this id have counted, unless a label came before."""


def upgrade() -> None:
    kind = "BLOB" if op.get_context().dialect.name == "sqlite" else "BYTEA"
    for table in (DECISIONS.format(bytes=kind), LISTS, LABELS, MATURED):
        op.execute(table)
    op.execute("INSERT INTO fraud_matured (until) VALUES ('')")
    op.execute("CREATE INDEX decisions_payment ON decisions (payment) WHERE payment IS NOT NULL")
    op.execute("CREATE INDEX decisions_request ON decisions (request_id)")
    op.execute("CREATE INDEX fraud_labels_created ON fraud_labels (created_at)")
