"""The vault of ``tokenise``.  Numbers are sealed, tokens are digests, cards and customers keyed hashes."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

VAULT = """
CREATE TABLE vault (
    id TEXT NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    card TEXT,
    customer TEXT,
    sealed TEXT NOT NULL,
    key_id TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION
)
"""


def upgrade() -> None:
    op.execute(VAULT)
    op.execute("CREATE UNIQUE INDEX vault_card ON vault (card) WHERE card IS NOT NULL")
    op.execute("CREATE INDEX vault_customer ON vault (customer) WHERE customer IS NOT NULL")
    op.execute("CREATE INDEX vault_expiry ON vault (expires_at) WHERE expires_at IS NOT NULL")
