"""The audit trail and its seals: the database itself refuses to change a row, or to remove one that must be kept."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

AUDIT = """
CREATE TABLE audit (
    writer TEXT NOT NULL,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    entry TEXT NOT NULL,
    PRIMARY KEY (writer, seq)
)
"""

SEALS = """
CREATE TABLE audit_seals (
    writer TEXT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    hash TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    key TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (writer, seq, kind)
)
"""

_KEPT = "SELECT 1 FROM audit_seals AS s WHERE s.writer = OLD.writer AND s.kind = 'kept' AND s.seq >= OLD.seq"
_OLD_SEAL = f"OLD.kind <> 'end' AND EXISTS ({_KEPT} AND (s.seq > OLD.seq OR OLD.kind = 'seal'))"
_REFUSAL = "the audit trail is only added to"


def upgrade() -> None:
    sqlite = op.get_context().dialect.name == "sqlite"
    for table in (AUDIT, SEALS):
        op.execute(f"{table.rstrip()} WITHOUT ROWID" if sqlite else table)
    for statement in _sqlite() if sqlite else _postgres():
        op.execute(statement)


def _sqlite() -> list[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    return [
        f"CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit {refuse}",
        f"CREATE TRIGGER audit_kept BEFORE DELETE ON audit WHEN NOT EXISTS ({_KEPT}) {refuse}",
        f"CREATE TRIGGER audit_seals_unchanged BEFORE UPDATE ON audit_seals {refuse}",
        f"CREATE TRIGGER audit_seals_kept BEFORE DELETE ON audit_seals WHEN NOT ({_OLD_SEAL}) {refuse}",
    ]


def _postgres() -> list[str]:
    refuse = f"RAISE EXCEPTION '{_REFUSAL}'"
    function = "CREATE FUNCTION {} RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$ BEGIN {} END $$"
    of_entry = f"IF EXISTS ({_KEPT}) THEN RETURN OLD; END IF; {refuse};"
    of_seal = f"IF {_OLD_SEAL} THEN RETURN OLD; END IF; {refuse};"
    rows = "FOR EACH ROW EXECUTE FUNCTION"
    made = [
        function.format("audit_refuse()", f"{refuse};"),
        function.format("audit_keep()", of_entry),
        function.format("audit_seals_keep()", of_seal),
    ]
    for table in ("audit", "audit_seals"):
        made += [
            f"CREATE TRIGGER {table}_unchanged BEFORE UPDATE ON {table} {rows} audit_refuse()",
            f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} {rows} {table}_keep()",
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} EXECUTE FUNCTION audit_refuse()",
        ]
    return made
