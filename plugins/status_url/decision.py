"""What an answer says of a payment; by its text alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson

from gateway import Evidence, Record, find, minor_units

from .options import StatusUrlConfig

NAME = "status_url"

_LONGEST = 40

_UNNAMEABLE = frozenset({None, ".", ".."})
"""What is missing; and segments that lead elsewhere in a path, encoded or not (RFC 3986 §6.2.2.3)."""


class Unreadable(Exception):
    """The answer says nothing that can be understood; why."""


def url_of(config: StatusUrlConfig, record: Record) -> str | None:
    """Where to ask; None where the record lacks what the url names."""
    values: dict[str, object] = {name: getattr(record, name) for name in config.placeholders}
    if _UNNAMEABLE.intersection(values.values()) or (config.key is not None and record.key is None):
        return None
    return config.url.format_map({name: quote(str(value), safe="") for name, value in values.items()})


def read(config: StatusUrlConfig, record: Record, status: int, body: bytes) -> Evidence:
    """Of a whole answer; what cannot be understood is ``unknown``, with a word on why."""
    if status in config.absent:
        return Evidence(NAME, "absent", by_key=config.misses_ours, detail=f"answered {status}")
    if not 200 <= status < 300:
        return Evidence(NAME, "unknown", detail=f"answered {status}")
    try:
        return _found(config, record, _document(body))
    except Unreadable as error:
        return Evidence(NAME, "unknown", detail=str(error))


def _document(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unreadable("the answer is not JSON") from None


def _found(config: StatusUrlConfig, record: Record, document: Any) -> Evidence:
    ours = [document] if config.items is None else _ours(config, record, find(document, config.items))
    if not ours:
        return Evidence(NAME, "absent", by_key=config.misses_ours, detail="not among the items")
    if len(ours) > 1:
        raise Unreadable(f"{len(ours)} payments answer to one key")
    [payment] = ours
    if config.key is not None and find(payment, config.key) != record.key:
        raise Unreadable("the answer is of another key")
    said = _text(find(payment, config.status))
    if said is None:
        raise Unreadable("the answer has no status")
    verdict = config.values.get(said)
    if verdict is None:
        raise Unreadable(f"the status {said[:_LONGEST]} has no meaning")
    currency = _currency(config, payment)
    amount = _amount(config, payment, currency)
    by_key = verdict != "absent" or config.misses_ours or config.key is not None
    return Evidence(NAME, verdict, by_key=by_key, amount=amount, currency=currency, detail=f"status {said[:_LONGEST]}")


def _ours(config: StatusUrlConfig, record: Record, items: Any) -> list[Any]:
    if not isinstance(items, list):
        raise Unreadable("the answer has no list of items")
    return items if config.key is None else [each for each in items if find(each, config.key) == record.key]


def _text(value: Any) -> str | None:
    """As a policy writes it; None for what is missing, or no single value."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
    return None


def _currency(config: StatusUrlConfig, payment: Any) -> str | None:
    value = None if config.currency is None else find(payment, config.currency)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Unreadable("the answer's currency is no text")
    return value.lower()


def _amount(config: StatusUrlConfig, payment: Any, currency: str | None) -> int | None:
    value = None if config.amount is None else find(payment, config.amount)
    if value is None:
        return None
    try:
        return minor_units(value, currency, config.unit, config.exponents)
    except ValueError:
        raise Unreadable(f"the answer's amount cannot be read in {config.unit} units") from None
