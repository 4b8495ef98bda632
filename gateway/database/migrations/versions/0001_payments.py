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


PAYMENTS = """
CREATE TABLE payments (
    id TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    route TEXT NOT NULL,
    operation TEXT NOT NULL,
    upstream TEXT NOT NULL,
    request_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    policy TEXT NOT NULL,
    owner TEXT,
    claim {bytes},
    fingerprint TEXT,
    amount BIGINT,
    currency TEXT,
    customer TEXT,
    card TEXT,
    link_kind TEXT,
    link_id TEXT,
    keep DOUBLE PRECISION NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    sent_at DOUBLE PRECISION,
    lease_until DOUBLE PRECISION,
    accepted_until DOUBLE PRECISION,
    settled_at DOUBLE PRECISION,
    gone_at DOUBLE PRECISION,
    due_at DOUBLE PRECISION,
    asked BIGINT NOT NULL,
    delivery TEXT,
    attempts BIGINT NOT NULL,
    status BIGINT,
    reason TEXT NOT NULL,
    history TEXT NOT NULL,
    trail TEXT,
    request {bytes},
    answer {bytes}
)
"""

INDEXES = (
    "CREATE UNIQUE INDEX payments_claim ON payments (claim) WHERE claim IS NOT NULL",
    "CREATE INDEX payments_due ON payments (due_at) WHERE due_at IS NOT NULL",
    # OR, not IN: SQLite makes a table of more than two words, each time it asks whether a row belongs here
    """CREATE INDEX payments_open ON payments (state, id) WHERE (state = 'accepted' OR state = 'held'
    OR state = 'pending' OR state = 'in_doubt' OR state = 'unresolved')""",
    """CREATE INDEX payments_waiting ON payments (COALESCE(customer, owner, id), id)
    WHERE accepted_until IS NOT NULL AND (state = 'accepted' OR state = 'reserved' OR state = 'sent')""",
    "CREATE INDEX payments_gone ON payments (gone_at) WHERE gone_at IS NOT NULL",
    "CREATE INDEX payments_request ON payments (request_id)",
)


def upgrade() -> None:
    op.execute(KEY_CHECKS)
    op.execute(PAYMENTS.format(bytes="BLOB" if op.get_context().dialect.name == "sqlite" else "BYTEA"))
    for index in INDEXES:
        op.execute(index)
