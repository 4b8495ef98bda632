"""The decision trail: what each filter did and noted, the attempts, and what resolvers said; kept with the record.

As JSON it has up to five lists, each left out where it is empty: ``filters``, ``notes``, ``attempts``, ``answers`` (of
resolvers) and ``earlier`` (the trails of the times before, when it was released or accepted; the newest first).
``cut`` says that something was left out to keep it within ``LIMIT``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import orjson

if TYPE_CHECKING:
    from gateway.exchange import Attempt, Exchange, Note, Step
    from gateway.ledger.records import Evidence

LIMIT = 4096
"""Bytes: a record carries it through every change of its state."""

MOST_ANSWERS = 20
_LONG = 200
_EARLIER = 3

_DISPENSABLE = ("earlier", "notes", "filters", "attempts", "answers")
"""From which list something is left out first."""


class Masks(Protocol):
    """``gateway.telemetry.masking.Masking`` is one."""

    def document(self, value: Any) -> Any:
        """A copy of JSON-like data without what nobody may read."""


def trail_of(exchange: Exchange, masks: Masks | None = None, earlier: Mapping[str, Any] | None = None) -> bytes:
    """Of an exchange, as far as it has come.

    Without ``masks`` notes are kept without their details.  ``earlier`` is the trail of the record where it is executed
    once more: it goes on in this one.
    """
    document: dict[str, Any] = {}
    if exchange.steps:
        document["filters"] = [_step(each) for each in exchange.steps]
    if exchange.notes:
        document["notes"] = [_note(each, masks) for each in exchange.notes]
    if exchange.attempts:
        began = exchange.started
        document["attempts"] = [_attempt(each, began) for each in exchange.attempts]
    if earlier:
        past = {name: value for name, value in earlier.items() if name != "earlier"}
        document["earlier"] = [past, *earlier.get("earlier", ())]
        if len(document["earlier"]) > _EARLIER:  # the client's own, and the last ones
            del document["earlier"][_EARLIER - 1 : -1]
            document["cut"] = True
    return _encoded(document)


def merge(trail: Mapping[str, Any], evidence: Iterable[Evidence], *, at: float, masks: Masks) -> bytes:
    """The trail of a record with what resolvers answered at ``at``, in seconds since the epoch.

    The same answer again is counted, not repeated.
    """
    answers = [dict(each) for each in trail.get("answers", ())]
    for each in evidence:
        _append(answers, masks.document(_answer(each)), at)
    document = {**trail, "answers": answers}
    if len(answers) > MOST_ANSWERS:  # the first says how it began; the last, how it stands
        document["answers"] = [answers[0], *answers[len(answers) - MOST_ANSWERS + 1 :]]
        document["cut"] = True
    return _encoded(document)


def _ms(seconds: float) -> float:
    return int(seconds * 1e6 + 0.5) / 1000  # half the time of round()


def _step(step: Step) -> dict[str, Any]:
    said = {"name": step.filter, "mode": step.mode, "decision": step.decision, "ms": _ms(step.seconds)}
    if step.code is not None:
        said["code"] = step.code
    return said


def _note(note: Note, masks: Masks | None) -> dict[str, Any]:
    """Only here does a trail hold what was not written in the code."""
    if masks is None:
        return {"filter": note.filter, "code": note.code}
    said: dict[str, Any] = {"filter": note.filter, "code": masks.document(note.code)}
    if note.detail:
        said["detail"] = masks.document(note.detail)
    return said


def _attempt(attempt: Attempt, began: float) -> dict[str, Any]:
    said: dict[str, Any] = {
        "number": attempt.number,
        "after_ms": _ms(attempt.started - began),
        "ms": _ms(attempt.ended - attempt.started) if attempt.ended else None,
        "delivery": attempt.delivery,
        "status": attempt.status,
    }
    if attempt.error is not None:
        said["error"] = attempt.error
    return said


def _answer(evidence: Evidence) -> dict[str, Any]:
    said: dict[str, Any] = {"resolver": evidence.resolver, "verdict": evidence.verdict, "by_key": evidence.by_key}
    if evidence.amount is not None:
        said["amount"] = evidence.amount
    if evidence.currency is not None:
        said["currency"] = evidence.currency
    if evidence.detail:
        said["detail"] = evidence.detail[:_LONG]
    return said


def _append(answers: list[dict[str, Any]], said: dict[str, Any], at: float) -> None:
    for former in reversed(answers):
        if former["resolver"] == said["resolver"]:
            if {name: value for name, value in former.items() if name not in ("at", "last_at", "times")} == said:
                former["last_at"], former["times"] = at, former["times"] + 1
                return
            break
    answers.append({"at": at, "last_at": at, "times": 1, **said})


def _encoded(document: dict[str, Any]) -> bytes:
    line = orjson.dumps(document)
    return line if len(line) <= LIMIT else _cut(orjson.loads(line))


def _cut(document: dict[str, Any]) -> bytes:
    """Within the limit: without long details of notes, then without what can best be done without."""
    document["cut"] = True
    for note in document.get("notes", ()):
        if len(orjson.dumps(note.get("detail"))) > _LONG:
            del note["detail"]
    for name in _DISPENSABLE:
        while len(orjson.dumps(document)) > LIMIT and (items := document.get(name)):
            del items[_least_telling(items)]
            if not items:
                del document[name]
    return orjson.dumps(document)


def _least_telling(items: Sequence[Any]) -> int:
    """The first and the last of many say most."""
    return len(items) // 2 if len(items) > 2 else -1
