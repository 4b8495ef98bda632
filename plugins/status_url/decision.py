"""What an answer says of a payment; by its text alone."""

from __future__ import annotations

from typing import Any

import orjson

from gateway import Evidence, Record, Unclear, as_text, filled, find, minor_units

from .options import StatusUrlConfig

NAME = "status_url"

_LONGEST = 40


def url_of(config: StatusUrlConfig, record: Record) -> str | None:
    """Where to ask; None where the record lacks what the url names."""
    values: dict[str, object] = {name: getattr(record, name) for name in config.placeholders}
    return None if config.key is not None and record.key is None else filled(config.url, values)


def read(config: StatusUrlConfig, record: Record, status: int, body: bytes) -> Evidence:
    """Of a whole answer; what cannot be understood is ``unknown``, with a word on why."""
    if status in config.absent:
        return Evidence(NAME, "absent", by_key=config.misses_ours, detail=f"answered {status}")
    if not 200 <= status < 300:
        return Evidence(NAME, "unknown", detail=f"answered {status}")
    try:
        return _found(config, record, _document(body))
    except Unclear as error:
        return Evidence(NAME, "unknown", detail=str(error))


def _document(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Unclear("the answer is not JSON") from None


def _found(config: StatusUrlConfig, record: Record, document: Any) -> Evidence:
    ours = [document] if config.items is None else _ours(config, record, find(document, config.items))
    if not ours:
        return Evidence(NAME, "absent", by_key=config.misses_ours, detail="not among the items")
    if len(ours) > 1:
        raise Unclear(f"{len(ours)} payments answer to one key")
    [payment] = ours
    if config.key is not None and find(payment, config.key) != record.key:
        raise Unclear("the answer is of another key")
    said = as_text(find(payment, config.status))
    if said is None:
        raise Unclear("the answer has no status")
    verdict = config.values.get(said)
    if verdict is None:
        raise Unclear(f"the status {said[:_LONGEST]} has no meaning")
    currency = _currency(config, payment)
    amount = _amount(config, payment, currency)
    by_key = verdict != "absent" or config.misses_ours or config.key is not None
    return Evidence(NAME, verdict, by_key=by_key, amount=amount, currency=currency, detail=f"status {said[:_LONGEST]}")


def _ours(config: StatusUrlConfig, record: Record, items: Any) -> list[Any]:
    if not isinstance(items, list):
        raise Unclear("the answer has no list of items")
    return items if config.key is None else [each for each in items if find(each, config.key) == record.key]


def _currency(config: StatusUrlConfig, payment: Any) -> str | None:
    value = None if config.currency is None else find(payment, config.currency)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Unclear("the answer's currency is no text")
    return value.lower()


def _amount(config: StatusUrlConfig, payment: Any, currency: str | None) -> int | None:
    value = None if config.amount is None else find(payment, config.amount)
    if value is None:
        return None
    try:
        return minor_units(value, currency, config.unit, config.exponents)
    except ValueError:
        raise Unclear(f"the answer's amount cannot be read in {config.unit} units") from None
