"""The statements of schedules, in the SQL that SQLite and PostgreSQL share; as ``gateway.ledger.statements``."""

# ruff: noqa: S608 - all that stands in them is of this module

from __future__ import annotations

from gateway.ledger.schedules import WINDOW
from gateway.ledger.statements import RESERVED_LINE

COLUMNS = (
    "payment",
    "state",
    "reason",
    "epoch",
    "route",
    "owner",
    "reference",
    "method",
    "amount",
    "currency",
    "code",
    "number",
    "declined",
    "missed",
    "attempt",
    "created_at",
    "until_at",
    "due_at",
    "ended_at",
)
"""As a Schedule has them; then history and request."""

_SHORT = ", ".join(COLUMNS)
_ALL = f"{_SHORT}, history, request"
_TOLD = "RETURNING $1, payment, state, reason"


def _line(what: str, reason: str = "", by: str = "'gateway'") -> str:
    """What is added to a history.  ``by`` and ``reason`` are SQL: that of ``reason`` gives JSON."""
    why = f""" || ',"reason":' || CAST({reason} AS TEXT)""" if reason else ""
    line = f"""'{{"at":' || {{now}} || ',"what":"{what}","by":"' || {by} || '"'{why} || '}}\n'"""
    return line.replace("' || '", "")


def _ends(when: str) -> str:
    """What changes beside the state of one that ends, where ``when`` holds."""
    return f"""ended_at = CASE WHEN {when} THEN {{now}} END, gone_at = CASE WHEN {when} THEN {{now}} + keep END,
  request = CASE WHEN {when} THEN NULL ELSE request END"""


ADD = f"""
INSERT INTO retries (payment, route, owner, reference, method, amount, currency, code, keep, request, state, reason,
  epoch, number, declined, missed, created_at, until_at, due_at, history)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', '', 1, 0, 0, 0, {{now}}, {{now}} + $12, {{now}} + $11,
  {_line("scheduled", "$13")})
ON CONFLICT DO NOTHING {_TOLD}
"""


def _stopped(condition: str, reason: str, line: str) -> str:
    """No attempt begins any more: one that waits has ended, one with an open attempt will."""
    waits = "state = 'waiting'"
    return f"""
UPDATE retries SET reason = {reason}, state = CASE WHEN {waits} THEN 'ended' ELSE state END,
  due_at = CASE WHEN {waits} THEN NULL ELSE due_at END, {_ends(waits)}, history = history || {line}
WHERE {condition} AND due_at IS NOT NULL AND reason = '' {_TOLD}
"""


DISPLACE = _stopped("reference = $1 AND payment <> $2", "CAST($3 AS TEXT)", _line("stopped", "$4"))
CONDEMN = _stopped("method = $1 AND payment <> $2", "CAST($3 AS TEXT)", _line("stopped", "$4"))
CANCEL = _stopped("payment = $1", "'cancelled'", _line("stopped", "$3", "CAST($2 AS TEXT)"))


def _picked(condition: str, order: str) -> str:
    """At most ``$2`` of those that ``condition`` holds for, and that nobody else is at."""
    return f"""
WITH picked AS MATERIALIZED (SELECT payment FROM retries WHERE {condition} ORDER BY {order} LIMIT $2 {{skip_locked}})
"""


TAKE = f"""{_picked("due_at <= {now}", "due_at")}
UPDATE retries SET epoch = epoch + 1, due_at = {{now}} + $3
WHERE payment IN (SELECT payment FROM picked) RETURNING CAST($1 AS TEXT), {_ALL}
"""

_NO_OWN = """NOT EXISTS (SELECT 1 FROM payments AS p WHERE p.reference = retries.reference
    AND p.created_at >= retries.created_at AND p.state <> 'released' AND p.id <> retries.payment
    AND COALESCE(p.link_id, '') <> retries.payment)"""
"""No client has tried by itself since."""

BEGIN = f"""
UPDATE retries SET state = 'attempting', number = number + 1, attempt = $3, due_at = {{now}} + $4,
  history = history || {_line("attempt", "$5")}
WHERE payment = $1 AND epoch = $2 AND state = 'waiting' AND {_NO_OWN} {_TOLD}
"""


def _counted(column: str, value: str) -> str:
    """What was declined lately, or may have been."""
    return f"""(SELECT COUNT(*) FROM payments AS c WHERE c.{column} = {value}
    AND c.created_at > {{now}} - {WINDOW} AND c.state <> 'released' AND c.state <> 'succeeded')"""


_LEASE = "{now} + CAST($18 AS DOUBLE PRECISION)"
ATTEMPT = f"""
INSERT INTO payments (id, route, operation, upstream, request_id, trace_id, policy, keep, owner, claim, fingerprint,
  amount, currency, customer, card, link_kind, link_id, state, epoch, revision, created_at, lease_until,
  due_at, asked, attempts, reason, history, reference, method)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 'reserved', 1, 1, {{now}},
  {_LEASE}, {_LEASE}, 0, 0, '', {RESERVED_LINE}, r.reference, r.method
FROM retries AS r WHERE r.payment = $17 AND r.attempt = $1 AND r.epoch = $19 AND r.state = 'attempting'
  AND r.reason = '' AND {{alone}}
  AND {_counted("reference", "r.reference")} < CAST($20 AS BIGINT)
  AND {_counted("method", "r.method")} < CAST($21 AS BIGINT)
ON CONFLICT DO NOTHING RETURNING $1
"""

COUNTED = f"SELECT {_counted('reference', '$1')}, {_counted('method', '$2')}"

_OVER = "(reason <> '' OR {now} + CAST($3 AS DOUBLE PRECISION) > until_at)"


def _again(what: str, changed: str) -> str:
    """Attempting → waiting, or ended where its time is over or it was to stop."""
    return f"""
UPDATE retries SET state = CASE WHEN {_OVER} THEN 'ended' ELSE 'waiting' END,
  reason = CASE WHEN reason = '' AND {_OVER} THEN 'expired' ELSE reason END,
  due_at = CASE WHEN {_OVER} THEN NULL ELSE {{now}} + CAST($3 AS DOUBLE PRECISION) END, {_ends(_OVER)}, {changed},
  history = history || {_line(what, "$4")}
WHERE payment = $1 AND attempt = $2 AND state = 'attempting' {_TOLD}
"""


DECLINED = _again("declined", "declined = declined + 1, missed = 0, code = CAST($5 AS TEXT)")
NOT_EXECUTED = _again("not_executed", "missed = missed + 1")


def _ended(condition: str) -> str:
    return f"""
UPDATE retries SET state = 'ended', reason = CAST($3 AS TEXT), due_at = NULL, {_ends("TRUE")},
  history = history || {_line("ended", "$4")}
WHERE payment = $1 AND {condition} AND due_at IS NOT NULL {_TOLD}
"""


END = _ended("attempt = $2 AND state = 'attempting'")
GIVE_UP = _ended("epoch = $2")

POSTPONE = f"""
UPDATE retries SET missed = missed + 1, due_at = {{now}} + $3
WHERE payment = $1 AND epoch = $2 AND due_at IS NOT NULL {_TOLD}
"""

EXPIRE = f"""{_picked("due_at <= {now} AND state <> 'attempting' AND until_at <= {now}", "due_at")}
UPDATE retries SET state = 'ended', reason = 'expired', due_at = NULL, epoch = epoch + 1, {_ends("TRUE")},
  history = history || {_line("ended", "$3")}
WHERE payment IN (SELECT payment FROM picked) RETURNING CAST($1 AS TEXT), payment, state, reason
"""

PRUNE = f"""{_picked("gone_at <= {now}", "gone_at")}
DELETE FROM retries WHERE payment IN (SELECT payment FROM picked) RETURNING CAST($1 AS TEXT)
"""

FIND = f"SELECT {_ALL} FROM retries WHERE payment = $1"
LIST = f"SELECT {_SHORT} FROM retries WHERE {{states}} AND payment < $1 ORDER BY payment DESC LIMIT {{limit}}"
COUNTS = "SELECT state, COUNT(*) FROM retries WHERE due_at IS NOT NULL GROUP BY state"
