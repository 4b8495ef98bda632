"""The story of a payment, as a person reads it at three in the morning.  Pure: from what the admin API tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.units import duration_text

Document = Mapping[str, Any]

_SENT = {
    "unsent": "nothing was sent",
    "unknown": "it may have been executed",
    "answered": "answered",
}
_MEANS = {
    "accepted": "kept, to be sent once the upstream is back",
    "held": "kept, until a reviewer decides",
    "reserved": "claimed, and not sent yet",
    "sent": "sent; its answer is waited for",
    "pending": "the upstream took it and has not finished",
    "succeeded": "it was executed",
    "failed": "it was not executed, or declined",
    "in_doubt": "nobody knows yet whether it was executed",
    "unresolved": "nobody who was asked knows, or they contradict each other",
    "released": "certainly not executed: the same key may come again",
}


def story(payment: Document, now: datetime, decision: Document | None = None) -> str:
    """All that is known of a recorded payment, in the order in which it happened, and what happens next.

    ``decision`` is what fraud scoring last said of it, where that is kept.
    """
    sections = [
        ("", _head(payment, now)),
        ("It came", _arrival(payment)),
        ("What each filter did", _filters(payment["trail"])),
        ("How risky it was", [] if decision is None else _risk(decision)),
        (f"Attempts at {payment['upstream']}", _attempts(payment["trail"])),
        ("States", _states(payment["history"])),
        ("What resolvers answered", _answers(payment["trail"]["answers"])),
        ("Tried again", _retries(payment, now)),
        ("What happens next", _next(payment, now)),
    ]
    written = []
    for heading, lines in sections:
        indent = "  " if heading else ""
        if told := [f"{indent}{line}" for line in lines]:
            written.append("\n".join([heading, *told] if heading else told))
    return "\n\n".join(written) + "\n"


def money(payment: Document) -> str:
    if payment["amount"] is None:
        return "no amount"
    return f"{payment['amount']} {payment['currency']}"


def clock(moment: str | None) -> str:
    """To the millisecond, in UTC."""
    if moment is None:
        return "–"
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def away(moment: str, now: datetime) -> str:
    """How long ago, or in how long."""
    seconds = (datetime.fromisoformat(moment) - now).total_seconds()
    text = duration_text(_rounded(abs(seconds)))
    return f"in {text}" if seconds > 0 else f"{text} ago"


def _rounded(seconds: float) -> float:
    """To what a person would say."""
    for unit in (86400, 3600, 60):
        if seconds >= 2 * unit:
            return float(round(seconds / unit) * unit)
    return float(round(seconds))


def _head(payment: Document, now: datetime) -> Iterator[str]:
    state = payment["state"]
    yield f"Payment {payment['id']}: {payment['operation']}, {money(payment)}" + (
        "" if payment["amount"] is None else " (minor units)"
    )
    since = payment["history"][-1]["at"] if payment["history"] else payment["created_at"]
    yield f"{state} since {clock(since)} ({away(since, now)}): {_MEANS[state]}"
    if payment["link"] is not None:
        yield f"{payment['link']['kind'].replace('_', ' ')} {payment['link']['id']}"
    yield "Times are in UTC."


def _arrival(payment: Document) -> Iterator[str]:
    whose = payment["owner"] or "nobody who is known"
    yield f"{clock(payment['created_at'])}  on route {payment['route']}, from {whose}, " + (
        "without a key" if payment["key"] is None else "with a key"
    )
    yield f"request {payment['request_id']}, trace {payment['trace_id']}"
    yield f"policy {payment['policy'][:12]}"
    if payment["epoch"] > 1:
        yield f"claimed {payment['epoch']} times; the request is the last one's"
    kept = [name for name in ("request", "answer") if payment["stored"][name]["kept"]]
    yield f"kept, encrypted: {' and '.join(kept) or 'nothing'}"


def _risk(decision: Document) -> Iterator[str]:
    shadow = ", in shadow: nothing was done" if decision["mode"] == "shadow" else ""
    yield f"{decision['decision']}, score {decision['score']}, decided by {decision['decided_by']}{shadow}"
    for each in decision["reasons"]:
        yield f"{each['points']:+6.1f}  {each['code']} {each['value']:.6g}, usual {each['baseline']:.6g}"
    if (label := decision["label"]) is not None:
        yield f"it turned out to be {'fraud' if label['fraud'] else 'legitimate'}, says {label['source']}"
    yield f"decision {decision['id']}, model {decision['model']}, policy {decision['policy'][:12]}"


def _filters(trail: Document) -> Iterator[str]:
    told = list(_steps(trail))
    yield from told or ["not written down: that is done with the outcome, and a gateway that is killed takes it along"]
    for earlier in trail["earlier"]:
        yield "the time before:"
        for line in _steps({"filters": (), "notes": (), **earlier}):
            yield f"  {line}"
    if trail["cut"]:
        yield "(more was noted than is kept)"


def _steps(trail: Document) -> Iterator[str]:
    notes = list(trail["notes"])
    for number, step in enumerate(trail["filters"], 1):
        name = step["name"] if step["mode"] == "enforce" else f"{step['name']} ({step['mode']})"
        code = f"  {step['code']}" if "code" in step else ""
        yield f"{number}. {name:20} {step['decision'].replace('_', ' ')}{code}  {step['ms']:g} ms"
        for note in [note for note in notes if note["filter"] == step["name"]]:
            yield f"     noted {_note(note)}"
            notes.remove(note)
    for note in notes:
        yield f"{note['filter'] or 'the gateway'} noted {_note(note)}"


def _note(note: Document) -> str:
    detail = note.get("detail")
    return f"{note['code']}: {_listed(detail)}" if detail else str(note["code"])


def _listed(detail: Document) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in detail.items())


def _value(value: Any) -> str:
    match value:
        case dict():
            return f"({_listed(value)})"
        case list():
            return " ".join(map(_value, value))
    return str(value)


def _attempts(trail: Document) -> Iterator[str]:
    for attempt in trail["attempts"]:
        answer = f"status {attempt['status']}" if attempt["status"] is not None else "no answer"
        lasted = "still under way" if attempt["ms"] is None else f"{attempt['ms']:g} ms"
        error = f", {attempt['error']}" if "error" in attempt else ""
        sure = "" if attempt["delivery"] == "answered" else f"; {_SENT[attempt['delivery']]}"
        yield f"{attempt['number']}. after {attempt['after_ms']:g} ms: {answer}{error}{sure}  {lasted}"


def _states(history: Sequence[Document]) -> Iterator[str]:
    for change in history:
        reason = f": {change['reason']}" if change["reason"] else ""
        yield f"{clock(change['at'])}  {change['state']:10}  by {change['by']}{reason}"


def _answers(answers: Sequence[Document]) -> Iterator[str]:
    for said in answers:
        found = f" {said['amount']} {said.get('currency', '')}".rstrip() if "amount" in said else ""
        by = " by our key" if said["by_key"] else ""
        again = f", {_times(said['times'])} until {clock(said['last_at'])}" if said["times"] > 1 else ""
        detail = f"  ({said['detail']})" if "detail" in said else ""
        yield f"{clock(said['at'])}  {said['resolver']}: {said['verdict']}{found}{by}{again}{detail}"


def _retries(payment: Document, now: datetime) -> Iterator[str]:
    """Of a payment that was declined softly, or of one that is another attempt of it."""
    for each in payment.get("linked", ()):
        yield f"{clock(each['created_at'])}  {each['kind'].replace('_', ' ')} this: {each['id']}, {each['state']}"
    if (retry := payment.get("retry")) is None:
        return
    if retry["payment"] != payment["id"]:
        yield f"By the schedule of {retry['payment']}, which payguard payments show {retry['payment']} tells of."
        return
    for change in retry["history"]:
        yield f"{clock(change['at'])}  {change['what']:12}  by {change['by']}: {change['reason']}"
    match retry["state"]:
        case "waiting":
            yield f"The next attempt is at {clock(retry['due_at'])} ({away(retry['due_at'], now)}), if it is still due."
            yield f"  payguard payments retries cancel {payment['id']} --reason 'why'"
        case "attempting":
            yield f"The attempt {retry['last_attempt']} is open; there is no other before it is settled."
        case _:
            yield f"Ended: {retry['reason'].replace('_', ' ')}. There is no other attempt."


def _next(payment: Document, now: datetime) -> Iterator[str]:
    state, due = payment["state"], payment["due_at"]
    when = "" if due is None else f" at {clock(due)} ({away(due, now)})"
    asked = f"Asked so far: {_times(payment['asked'])}."
    match state:
        case "succeeded" | "failed":
            yield f"Nothing: it is settled. {_repeat(payment)}".rstrip()
        case "released":
            yield "Nothing, unless the client comes again: the same key is executed afresh."
        case "reserved":
            yield f"Whoever claimed it sends it, or it is released{_until(payment)}."
        case "accepted":
            yield "It is sent once the upstream is back."
            if due is not None:
                yield f"If it is not by {clock(due)} ({away(due, now)}), it has failed, and was never sent."
        case "held":
            yield "A reviewer decides:"
            yield f"  payguard payments approve|reject {payment['id']} --reason 'why'"
            if due is not None:
                yield f"If nobody does by {clock(due)} ({away(due, now)}), it has failed, and was never sent."
        case "unresolved":
            yield f"Nobody is asked any more. {asked} A human decides."
        case _:
            yield f"{_whoever(state)}{when or ' as soon as there is one to ask'}. {asked}"
    if payment["key"] is not None and state in ("in_doubt", "unresolved", "sent"):
        yield "A repeat of its key is answered 409; it is not sent again."
    if payment["resolvable_to"]:
        yield "If you know what became of it:"
        yield (
            f"  payguard payments resolve {payment['id']} --state {'|'.join(_easy(payment))} --reason 'how you know it'"
        )


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


def _whoever(state: str) -> str:
    return "Recovery takes it up, should its owner be lost," if state == "sent" else "Resolvers are asked again"


def _until(payment: Document) -> str:
    return "" if payment["lease_until"] is None else f" at {clock(payment['lease_until'])}"


def _easy(payment: Document) -> Sequence[str]:
    """Released takes more than a word, so it is not offered in passing."""
    return [state for state in payment["resolvable_to"] if state != "released"]


def _repeat(payment: Document) -> str:
    if payment["key"] is None:
        return ""
    if payment["stored"]["answer"]["kept"]:
        return "A repeat of its key is given the first answer again."
    return "A repeat of its key is answered 409 answer_unavailable, since no answer is kept."
