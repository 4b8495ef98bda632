"""The statements of the ledger, in the SQL that SQLite and PostgreSQL share.

Each changes or finds what it says in one go.  What writes and returns rows returns ``$1`` first: it tells one
execution from another.  All times are by the database's clock.
"""

from __future__ import annotations

from gateway.ledger.records import State

COLUMNS = (
    "id",
    "state",
    "epoch",
    "revision",
    "route",
    "operation",
    "upstream",
    "request_id",
    "trace_id",
    "policy",
    "owner",
    "claim",
    "fingerprint",
    "amount",
    "currency",
    "customer",
    "card",
    "link_kind",
    "link_id",
    "keep",
    "created_at",
    "sent_at",
    "lease_until",
    "accepted_until",
    "settled_at",
    "due_at",
    "asked",
    "delivery",
    "attempts",
    "status",
    "reason",
    "reference",
    "method",
)
"""As a Record has them; then history, trail, request and answer."""

LARGE = ("history", "trail", "request", "answer")

_SHORT = ", ".join(COLUMNS)
_ALL = f"{_SHORT}, {', '.join(LARGE)}"
_SETTLED = "('succeeded', 'failed', 'released')"


def _code(reason: str) -> str:
    """A word of the code, as SQL that gives it as JSON."""
    return f"""'"{reason}"'"""


def _line(state: str, by: str = "'gateway'", reason: str | None = None) -> str:
    """What is added to a history: a line of JSON.  All three are SQL; that of ``reason`` gives JSON."""
    why = "" if reason is None else f""" || ',"reason":' || {reason}"""
    line = f"""'{{"at":' || {{now}} || ',"state":"' || {state} || '","by":"' || {by} || '"'{why} || '}}\n'"""
    return line.replace("' || '", "")  # words that stand side by side are one


def among(*states: State, of: str = "state") -> str:
    """Whether it is in one of them.

    Not IN: of more than two words, SQLite makes a table at each execution, and for a partial index at each change.
    """
    return "(" + " OR ".join(f"{of} = '{state}'" for state in states) + ")"


_ENTRY = """
INSERT INTO payments (id, route, operation, upstream, request_id, trace_id, policy, keep, owner, claim, fingerprint,
  amount, currency, customer, card, link_kind, link_id, state, epoch, revision, created_at, sent_at, lease_until,
  due_at, asked, attempts, reason, request, history)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, '{state}', 1, 1, {{now}}, {sent},
  {{now}} + $18, {{now}} + $18, 0, 0, '', {request}, {line})
ON CONFLICT (claim) WHERE claim IS NOT NULL DO NOTHING RETURNING $1
"""
RESERVED_LINE = _line("'reserved'")
RESERVE = _ENTRY.format(state=State.RESERVED, sent="NULL", request="NULL", line=RESERVED_LINE)
BEGIN = _ENTRY.format(state=State.SENT, sent="{now}", request="$19", line=_line("'sent'"))

_REFERRING = (
    _ENTRY.replace("request, history)", "request, history, reference, method)")
    .replace("{line})", "{line}, {reference}, {method})")
    .replace("ON CONFLICT (claim) WHERE claim IS NOT NULL", "ON CONFLICT")
)
RESERVE_REFERRING = _REFERRING.format(
    state=State.RESERVED, sent="NULL", request="NULL", line=RESERVED_LINE, reference="$19", method="$20"
)
BEGIN_REFERRING = _REFERRING.format(
    state=State.SENT, sent="{now}", request="$19", line=_line("'sent'"), reference="$20", method="$21"
)
"""Those of a payment that has a business reference: nothing is made where its claim or its reference is taken."""

TAKES_REFERENCE = "reference IS NOT NULL AND {of}state <> 'failed' AND {of}state <> 'released'"
"""Of one reference there is at most one such payment: the condition of an index."""

HISTORY = 8000
"""Characters of a history at which one that is claimed again, or taken up to be sent again, forgets the older half: a
client may repeat for ever, and what was accepted is tried each second."""

_FORGETTING = f"""CASE WHEN LENGTH(history) > {HISTORY} THEN SUBSTR(history, LENGTH(history) - {HISTORY // 2})
  ELSE history END"""

RESERVE_AGAIN = f"""
UPDATE payments SET state = 'reserved', epoch = epoch + 1, revision = revision + 1, request_id = $3, trace_id = $4,
  policy = $5, lease_until = {{now}} + $6, due_at = {{now}} + $6, settled_at = NULL, gone_at = NULL, reason = '',
  delivery = NULL, status = NULL, answer = NULL, history = {_FORGETTING} || {_line("'reserved'")}
WHERE id = $1 AND epoch = $2 AND accepted_until IS NULL
  AND (state = 'released' OR (state = 'reserved' AND lease_until <= {{now}}))
  AND NOT EXISTS (SELECT 1 FROM payments AS o WHERE o.reference = payments.reference AND o.id <> payments.id
    AND o.{TAKES_REFERENCE.format(of="o.")})
RETURNING $1
"""  # noqa: S608 - all that stands in it is of this module

# due_at stays what it was at the reservation: moving it would cost as much as the rest, and take_due asks for the lease
SEND = f"""
UPDATE payments SET state = 'sent', revision = revision + 1, sent_at = COALESCE(sent_at, {{now}}),
  lease_until = {{now}} + $3, request = COALESCE($4, request),
  history = history || {_line("'sent'")}
WHERE id = $1 AND epoch = $2 AND state = 'reserved' AND lease_until > {{now}}
RETURNING $1
"""  # noqa: S608 - as above


def _settle(origins: str, due: str = "NULL", *, settled: bool = False) -> str:
    """A statement that takes a record from ``origins``, a condition, to ``$3``."""
    times = "settled_at = {now}, gone_at = {now} + keep, request = NULL," if settled else ""
    return f"""
UPDATE payments SET state = $3, revision = revision + 1, reason = $4, delivery = $5, attempts = attempts + $6,
  status = $7, answer = $8, trail = COALESCE($9, trail), {times} due_at = {due},
  history = history || '{{"at":' || {{now}} || CAST($10 AS TEXT)
WHERE id = $1 AND epoch = $2 AND {origins}
RETURNING $1
"""  # noqa: S608 - all that stands in it is of this module


_LATE = f"{among(State.SENT, State.PENDING, State.IN_DOUBT, State.UNRESOLVED)}"
_ANY = f"{among(State.SENT, State.RESERVED, State.PENDING, State.IN_DOUBT, State.UNRESOLVED)}"
# somebody said that it is pending, or they contradicted each other: sending it again may be sending it twice
_NOT_EXECUTED = among(State.SENT, State.RESERVED, State.IN_DOUBT)
_IN = "{now} + CAST($11 AS DOUBLE PRECISION)"

SETTLE = {
    State.SUCCEEDED: _settle(_LATE, settled=True),
    State.FAILED: _settle(_ANY, settled=True),
    State.RELEASED: _settle(f"{_NOT_EXECUTED} AND accepted_until IS NULL", settled=True),
    State.ACCEPTED: _settle(f"{_NOT_EXECUTED} AND accepted_until IS NOT NULL", "accepted_until"),
    State.HELD: _settle(among(State.SENT, State.RESERVED)),
    State.PENDING: _settle(_LATE, _IN),
    State.IN_DOUBT: _settle(among(State.SENT, State.IN_DOUBT), _IN),
    State.UNRESOLVED: _settle(among(State.SENT, State.PENDING, State.IN_DOUBT)),
}
"""By where it goes.  $10 is the rest of the line of its history; only those that are due have an $11."""

DUE = frozenset({State.PENDING, State.IN_DOUBT})

RESOLVE = f"""
UPDATE payments SET state = CAST($3 AS TEXT), revision = revision + 1, reason = $4, trail = COALESCE($7, trail),
  asked = asked + CASE WHEN state IN ('accepted', 'held') THEN 0 ELSE 1 END,
  due_at = {{now}} + CAST($8 AS DOUBLE PRECISION),
  settled_at = CASE WHEN $3 IN {_SETTLED} THEN {{now}} END,
  gone_at = CASE WHEN $3 IN {_SETTLED} THEN {{now}} + keep END,
  request = CASE WHEN $3 IN {_SETTLED} THEN NULL ELSE request END,
  accepted_until = CASE WHEN $3 = 'released' THEN NULL ELSE accepted_until END,
  history = history || {_line("$3", by="CAST($6 AS TEXT)", reason="CAST($5 AS TEXT)")}
WHERE id = $1 AND revision = $2 AND (state IN ('accepted', 'held') AND $3 = 'failed'
  OR state IN ('pending', 'in_doubt', 'unresolved') AND $3 NOT IN ('reserved', 'sent', 'accepted', 'held'))
RETURNING $1
"""  # noqa: S608 - as above

POSTPONE = """
UPDATE payments SET revision = revision + 1, asked = asked + 1, due_at = {now} + $3, trail = COALESCE($4, trail)
WHERE id = $1 AND revision = $2 AND state IN ('pending', 'in_doubt') RETURNING $1
"""

RESEND = """
UPDATE payments SET revision = revision + 1, epoch = epoch + 1, lease_until = {now} + $3
WHERE id = $1 AND revision = $2 AND state IN ('pending', 'in_doubt', 'unresolved') RETURNING CAST($1 AS TEXT), epoch
"""

ACCEPT = f"""
UPDATE payments SET state = 'accepted', revision = revision + 1, request = $3, trail = $4,
  accepted_until = {{now}} + $7, due_at = {{now}} + $7, history = history || {_line("'accepted'")}
WHERE id = $1 AND epoch = $2 AND state IN ('reserved', 'sent') AND {{alone}}
  AND (SELECT COUNT(*) FROM payments AS w WHERE w.state = 'accepted' AND w.route = payments.route) < $5
  AND (SELECT COALESCE(SUM(w.amount), 0) FROM payments AS w
       WHERE w.state = 'accepted' AND w.route = payments.route AND w.currency = payments.currency) + amount <= $6
RETURNING $1
"""  # noqa: S608 - as above


HOLD = f"""
UPDATE payments SET state = 'held', revision = revision + 1, request = $3, trail = $4, reason = $7,
  due_at = {{now}} + $6, history = history || {_line("'held'", reason="CAST($8 AS TEXT)")}
WHERE id = $1 AND epoch = $2 AND state = 'reserved' AND accepted_until IS NULL AND {{alone}}
  AND (SELECT COUNT(*) FROM payments AS w WHERE w.state = 'held' AND w.route = payments.route) < $5
RETURNING $1
"""  # noqa: S608 - as above

APPROVE = f"""
UPDATE payments SET state = 'accepted', revision = revision + 1, reason = '', accepted_until = {{now}} + $5,
  due_at = {{now}} + $5, history = history || {_line("'accepted'", by="CAST($3 AS TEXT)", reason="CAST($4 AS TEXT)")}
WHERE id = $1 AND revision = $2 AND state = 'held' AND due_at > {{now}}
RETURNING $1
"""  # noqa: S608 - as above


def _picked(condition: str, order: str) -> str:
    """At most ``$2`` of those that ``condition`` holds for, and that nobody else is at.

    Found once and by themselves: joined, a planner may well look for them once more for each row.
    """
    return f"""
WITH picked AS MATERIALIZED (SELECT id FROM payments AS a WHERE {condition} ORDER BY {order} LIMIT $2 {{skip_locked}})
"""  # noqa: S608 - as above


_EXPIRE = f"""{_picked("state = '{waiting}' AND due_at <= {now}", "due_at")}
UPDATE payments SET state = 'failed', revision = revision + 1, epoch = epoch + 1, reason = 'not_sent', due_at = NULL,
  settled_at = {{now}}, gone_at = {{now}} + keep, request = NULL,
  history = history || {_line("'failed'", by="'drainer'", reason=_code("not_sent"))}
WHERE id IN (SELECT id FROM picked) RETURNING CAST($1 AS TEXT), id
"""  # noqa: S608 - as above

EXPIRE_ACCEPTED = _EXPIRE.replace("{waiting}", State.ACCEPTED)
EXPIRE_HELD = _EXPIRE.replace("{waiting}", State.HELD)

_PROMISED = among(State.ACCEPTED, State.RESERVED, State.SENT, of="b.state")
_NEXT = f"""state = 'accepted' AND due_at > {{now}} AND NOT EXISTS (
    SELECT 1 FROM payments AS b WHERE b.accepted_until IS NOT NULL AND {_PROMISED}
      AND COALESCE(b.customer, b.owner, b.id) = COALESCE(a.customer, a.owner, a.id)
      AND b.id <> a.id AND (b.id < a.id OR b.state <> 'accepted'))"""  # noqa: S608 - as above

TAKE_ACCEPTED = f"""{_picked(_NEXT, "id")}
UPDATE payments SET state = 'reserved', epoch = epoch + 1, revision = revision + 1, lease_until = {{now}} + $3,
  due_at = {{now}} + $3, history = {_FORGETTING} || {_line("'reserved'", by="'drainer'")}
WHERE id IN (SELECT id FROM picked) RETURNING CAST($1 AS TEXT), {_ALL}
"""  # noqa: S608 - as above

_DUE = f"""due_at <= {{now}} AND {among(State.PENDING, State.IN_DOUBT, State.SENT)}
    AND (state <> 'sent' OR lease_until <= {{now}})"""

TAKE_DUE = f"""{_picked(_DUE, "due_at")}
UPDATE payments SET revision = revision + 1, due_at = {{now}} + $3,
  history = CASE WHEN state = 'sent' THEN history || {_line("'in_doubt'", by="'recovery'", reason=_code("owner_lost"))}
    ELSE history END,
  reason = CASE WHEN state = 'sent' THEN 'owner_lost' ELSE reason END,
  state = CASE WHEN state = 'sent' THEN 'in_doubt' ELSE state END
WHERE id IN (SELECT id FROM picked) RETURNING CAST($1 AS TEXT), {_ALL}
"""  # noqa: S608 - as above

_FREED = "CASE WHEN accepted_until IS NULL THEN 'released' ELSE 'accepted' END"
FREE_EXPIRED = f"""{_picked("due_at <= {now} AND state = 'reserved'", "due_at")}
UPDATE payments SET epoch = epoch + 1, revision = revision + 1, reason = 'claim_expired',
  state = {_FREED}, due_at = accepted_until,
  settled_at = CASE WHEN accepted_until IS NULL THEN {{now}} END,
  gone_at = CASE WHEN accepted_until IS NULL THEN {{now}} + keep END,
  history = history || {_line(_FREED, by="'recovery'", reason=_code("claim_expired"))}
WHERE id IN (SELECT id FROM picked) RETURNING CAST($1 AS TEXT)
"""  # noqa: S608 - as above

_UNLINKED = """NOT EXISTS (SELECT 1 FROM retries AS r WHERE r.payment = a.id)
    AND NOT EXISTS (SELECT 1 FROM payments AS l WHERE l.link_id = a.id)"""
PRUNE = f"""{_picked(f"gone_at <= {{now}} AND {_UNLINKED}", "gone_at")}
DELETE FROM payments WHERE id IN (SELECT id FROM picked) RETURNING CAST($1 AS TEXT)
"""  # noqa: S608 - as above

FIND = f"SELECT {_ALL} FROM payments WHERE id = $1"  # noqa: S608 - as above
FIND_CLAIM = f"SELECT {_ALL} FROM payments WHERE claim = $1"  # noqa: S608 - as above
FIND_REQUEST = f"SELECT {_ALL} FROM payments WHERE request_id = $1 ORDER BY id DESC LIMIT 1"  # noqa: S608 - as above
FIND_REFERENCE = f"SELECT {_ALL} FROM payments WHERE reference = $1 AND {TAKES_REFERENCE.format(of='')}"  # noqa: S608 - as above
FIND_LINKED = f"SELECT {_SHORT} FROM payments WHERE link_id = $1 ORDER BY id LIMIT 100"  # noqa: S608 - as above
LIST = f"SELECT {_SHORT} FROM payments WHERE {{conditions}} ORDER BY id DESC LIMIT {{limit}}"  # noqa: S608 - as above

FLOOR = "SELECT id FROM payments WHERE {conditions} ORDER BY id DESC LIMIT 1 OFFSET {offset}"

OPEN = among(State.ACCEPTED, State.HELD, State.PENDING, State.IN_DOUBT, State.UNRESOLVED)
"""Somebody has to see to them, sooner or later."""

FLYING = f"due_at > 0 AND {among(State.RESERVED, State.SENT)}"
"""They come and go with requests, and are in no index by state; each is due some time, and that has one."""

COUNTS = f"""
SELECT open.state, open.number, {{now}} - payments.created_at FROM (
  SELECT state, COUNT(*) AS number, MIN(id) AS oldest FROM payments WHERE {OPEN} GROUP BY state
  UNION ALL
  SELECT state, COUNT(*) AS number, MIN(id) AS oldest FROM payments WHERE {FLYING} GROUP BY state
) AS open JOIN payments ON payments.id = open.oldest
"""  # noqa: S608 - as above
NOW = "SELECT CAST({now} AS DOUBLE PRECISION)"
