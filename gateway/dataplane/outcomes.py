"""Outcomes: what an upstream's answer means for the payment, by the rules of its route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.datastructures import Headers

from gateway.exchange import Delivery
from gateway.outcomes import Outcome, outcome
from gateway.pointer import MISSING, follow, parse

_CODES = tuple(parse(pointer) for pointer in ("/code", "/error/code", "/error/decline_code", "/decline_code", "/error"))
"""Where a problem (RFC 9457), Stripe (https://docs.stripe.com/api/errors) and others say why they refuse."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``outcome`` where all that is given holds.

    ``code`` is looked for as ``code``, ``error.code``, ``error.decline_code``, ``decline_code`` and ``error``;
    ``values`` are compared as text with what the JSON pointers lead to.
    """

    outcome: Outcome
    statuses: frozenset[int] = frozenset()
    headers: Mapping[str, str] | None = None
    values: Mapping[str, str] | None = None
    code: str | None = None

    @property
    def reads(self) -> bool:
        return self.code is not None or bool(self.values)


class Outcomes:
    """The first rule that holds decides; where none does, the default mapping of ``gateway.outcomes``."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = tuple(rules)
        self._pointers = {pointer: parse(pointer) for rule in self._rules for pointer in (rule.values or ())}

    def of(self, status: int, headers: Headers, body: bytes | None) -> Outcome:
        """``body`` is None where it could not be read whole: then no rule that looks into it holds."""
        ruled = self.ruled(status, headers, body) if self._rules else None
        return outcome(Delivery.ANSWERED, status) if ruled is None else ruled

    def ruled(self, status: int, headers: Headers, body: bytes | None) -> Outcome | None:
        """By the first rule that holds; None where none does."""
        document: Any = None
        read = False
        for rule in self._rules:
            if rule.statuses and status not in rule.statuses:
                continue
            if rule.headers and any(headers.get(name) != value for name, value in rule.headers.items()):
                continue
            if rule.reads:
                if not read:
                    document, read = _document(body), True
                if not self._says(rule, document):
                    continue
            return rule.outcome
        return None

    def _says(self, rule: Rule, document: Any) -> bool:
        if document is MISSING:
            return False
        if rule.code is not None and all(follow(document, tokens) != rule.code for tokens in _CODES):
            return False
        return all(
            _text(follow(document, self._pointers[pointer])) == value for pointer, value in (rule.values or {}).items()
        )


def _document(body: bytes | None) -> Any:
    if not body:
        return MISSING
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return MISSING


def _text(value: Any) -> str | None:
    """As a policy writes it: true, 12, paid.  None for what is missing, null, or no single value."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
    return None
