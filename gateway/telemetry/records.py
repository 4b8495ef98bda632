"""What an exchange's log line says: ``docs/observability.md`` has its fields."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, unquote_plus, unquote_to_bytes

from gateway.exchange import Attempt, Exchange, Note, Step
from gateway.facts import Principal
from gateway.outcomes import Outcome
from gateway.telemetry.masking import Masking

FIELDS = (
    "route",
    "method",
    "path",
    "query",
    "status",
    "client",
    "operation",
    "outcome",
    "code",
    "upstream",
    "principal",
)
"""Those that an operator might want masked."""


def record(
    exchange: Exchange, ts: str, level: str, outcome: Outcome | None, masking: Masking, *, query: bool = False
) -> dict[str, Any]:
    """The line as data.  What is often absent is then left out, so that the common line stays short.

    Only notes and the query are masked here, by the names of their fields; the line as a whole is, by who writes it.
    """
    received, response, trace = exchange.received, exchange.response, exchange.trace
    path, _, values = received.target.partition(b"?")
    document: dict[str, Any] = {
        "ts": ts,
        "level": level,
        "event": "exchange",
        "trace_id": trace.trace_id,
        "span_id": trace.span_id,
        "request_id": exchange.id,
        "route": exchange.route,
        "method": received.method,
        "path": readable(path, masking),
        "status": None if response is None else response.status,
        "delivery": exchange.delivery,
        "ms": _ms(exchange.ended - exchange.started),
        "bytes_in": exchange.bytes_in,
        "bytes_out": exchange.bytes_out,
        "client": received.client,
    }
    if query and values:
        document["query"] = masking.text(unquote_plus(values.decode("latin-1")))
    if outcome is not None:
        document["operation"] = exchange.operation
        document["outcome"] = outcome
    if exchange.error is not None:
        document["code"] = exchange.error.code
    if exchange.attempts:
        document["upstream"] = exchange.upstream
        document["upstream_ms"] = _ms(sum([each.ended - each.started for each in exchange.attempts]))
        document["attempts"] = [_attempt(each) for each in exchange.attempts]
    if (principal := exchange.get(Principal)) is not None:
        document["principal"] = principal.id
    if exchange.steps:
        document["filters"] = [_step(each) for each in exchange.steps]
    if exchange.notes:
        document["notes"] = [_note(each, masking) for each in exchange.notes]
    return document


def pretty(document: dict[str, Any], *, colours: bool) -> str:
    """The same for people: one line, what went wrong at its end."""
    paint = _COLOURS.get((document["status"] or 599) // 100, "") if colours else ""
    words = [
        document["ts"][11:23],
        f"{paint}{document['status'] or 'gone'}{_PLAIN if paint else ''}",
        document["method"],
        document["path"],
        f"{document['ms']:.1f} ms",
        document["route"],
        *(str(document[key]) for key in ("outcome", "code", "principal") if key in document),
        *(f"{step['name']} {step['decision']}" for step in document.get("filters", ()) if step["decision"] != "passed"),
        document["request_id"],
    ]
    return "  ".join(word for word in words if word) + "\n"


_COLOURS = {2: "\x1b[32m", 3: "\x1b[36m", 4: "\x1b[33m", 5: "\x1b[31m"}
_PLAIN = "\x1b[0m"


def _ms(seconds: float) -> float:
    return int(seconds * 1e6) / 1000  # half the time of round()


def readable(path: bytes, masking: Masking) -> str:
    """As it came, unless what it spells must be masked."""
    if b"%" in path and masking.suspects(unquote_to_bytes(path)):
        spelled = unquote(path.decode("latin-1"))
        if (masked := masking.text(spelled)) != spelled:
            return masked
    return path.decode("ascii", "backslashreplace")


def _attempt(attempt: Attempt) -> dict[str, Any]:
    said: dict[str, Any] = {
        "number": attempt.number,
        "status": attempt.status,
        "ms": _ms(attempt.ended - attempt.started),
    }
    if attempt.error is not None:
        said["error"] = attempt.error
    return said


def _step(step: Step) -> dict[str, Any]:
    said = {"name": step.filter, "mode": step.mode, "decision": step.decision, "ms": _ms(step.seconds)}
    if step.code is not None:
        said["code"] = step.code
    return said


def _note(note: Note, masking: Masking) -> dict[str, Any]:
    said: dict[str, Any] = {"filter": note.filter, "code": note.code}
    if note.detail:
        said["detail"] = masking.document(note.detail)
    return said
