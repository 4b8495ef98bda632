"""The statements of the audit trail, in the SQL that both engines share."""

from __future__ import annotations

APPEND = """INSERT INTO audit (hash, writer, seq, entry) VALUES ($1, $2,
  CASE WHEN CAST($3 AS BIGINT) = 1 THEN 1 ELSE (SELECT seq + 1 FROM audit WHERE writer = $2 AND seq = $3 - 1) END, $4)
RETURNING hash"""
"""Refused where the entry before is missing, for a place is then missing too: a chain has no gap, whichever groups
fail.  INSERT … SELECT … WHERE EXISTS says the same, and SQLite makes a table for it at each execution."""

HEAD = "SELECT seq, hash FROM audit WHERE writer = $1 ORDER BY seq DESC LIMIT 1"

SEAL = """INSERT INTO audit_seals (writer, seq, kind, hash, at, key, signature)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING $1"""

VOUCH = SEAL.replace(" RETURNING", " ON CONFLICT DO NOTHING RETURNING")
"""Each gateway says it at its start."""

SEALS = "SELECT writer, seq, kind, hash, at, key, signature FROM audit_seals"

FIRST = f"{SEALS} WHERE kind IN ('kept', 'key') ORDER BY writer, seq"

KEYS = f"{SEALS} WHERE kind = 'key' ORDER BY writer"

EVERYTHING = """SELECT writer, seq, '' AS kind, hash, entry, CAST(NULL AS DOUBLE PRECISION) AS at,
  CAST(NULL AS TEXT) AS key, CAST(NULL AS TEXT) AS signature FROM audit
UNION ALL
SELECT writer, seq, kind, hash, CAST(NULL AS TEXT), at, key, signature FROM audit_seals
  WHERE kind NOT IN ('kept', 'key')
ORDER BY 1, 2, 3"""
"""An entry before the seals that stand after it: they have a kind, ``end`` before ``seal``."""

OLD = """SELECT writer, MAX(seq) FROM audit_seals WHERE kind <> 'kept' AND at < $1
GROUP BY writer HAVING MAX(seq) >= (SELECT MIN(seq) FROM audit WHERE audit.writer = audit_seals.writer)"""
"""How far each writer's chain is sealed and old, where it still has entries there."""

SEAL_AT = f"{SEALS} WHERE writer = $1 AND seq = $2 AND kind <> 'kept' ORDER BY kind"

REMOVE = """DELETE FROM audit WHERE writer = $1 AND seq IN (
  SELECT seq FROM audit WHERE writer = $1 AND seq <= $2 ORDER BY seq LIMIT $3) RETURNING writer"""

REMOVE_SEALS = """DELETE FROM audit_seals
WHERE writer = $1 AND ((kind = 'seal' AND seq <= $2) OR (kind = 'kept' AND seq < $2)) RETURNING writer"""
