"""The statements of the audit trail, in the SQL that both engines share."""

from __future__ import annotations

APPEND = """INSERT INTO audit (hash, writer, seq, entry)
SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS TEXT)
WHERE $3 = 1 OR EXISTS (SELECT 1 FROM audit WHERE writer = $2 AND seq = $3 - 1)
RETURNING CAST($1 AS TEXT)"""
"""Nothing where the entry before is missing: a chain has no gap, whichever groups fail."""

HEAD = "SELECT seq, hash FROM audit WHERE writer = $1 ORDER BY seq DESC LIMIT 1"

SEAL = """INSERT INTO audit_seals (writer, seq, kind, hash, at, key, signature)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING $1"""

SEALS = "SELECT writer, seq, kind, hash, at, key, signature FROM audit_seals"
