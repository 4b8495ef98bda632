"""Declines: whether a processor's refusal may be followed by another attempt; by its answer alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from starlette.datastructures import Headers

from gateway.dataplane.outcomes import Outcomes, Rule
from gateway.outcomes import Outcome
from gateway.pointer import follow, parse

NEVER = frozenset(
    {
        "card_not_supported",
        "closed_account",
        "do_not_try_again",
        "fraudulent",
        "incorrect_number",
        "invalid_account",
        "invalid_number",
        "lost_card",
        "merchant_blacklist",
        "pickup_card",
        "restricted_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "security_violation",
        "stolen_card",
        "stop_payment_order",
        "transaction_not_allowed",
    }
)
"""Codes of processors for what an issuer will never approve, after https://docs.stripe.com/declines/codes."""

_CATEGORY_1 = frozenset(
    {"04", "07", "12", "14", "15", "41", "43", "46", "57", "62", "78", "93", "r0", "r1", "r3", "4", "7"}
)
"""Visa's response codes that its rules forbid to try again."""

_ADVICE = frozenset({"do_not_try_again", "03", "21", "3"})
"""Mastercard's merchant advice codes that say the same (https://docs.stripe.com/declines/network-codes)."""

_FORBIDDEN: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("advicecode", "merchantadvicecode", "networkadvicecode"), _ADVICE),
    **dict.fromkeys(
        ("networkdeclinecode", "networkresponsecode", "issuerresponsecode", "refusalreasonraw"), _CATEGORY_1 | NEVER
    ),
    **dict.fromkeys(("code", "codes", "error", "errors", "errorcode", "reason"), NEVER),
    **dict.fromkeys(("declinecode", "declinereason", "refusalreason", "failurecode", "failurereason"), NEVER),
}
"""By the name of a member, anywhere in the answer: what forbids another attempt.  Processors spell both alike but for
capitals and what stands between words."""

_CODES = tuple(parse(pointer) for pointer in ("/error/decline_code", "/decline_code", "/error/code", "/code", "/error"))
_BETWEEN = re.compile(r"[^0-9A-Za-z]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}|[0-9A-Za-z]{1,3}")
"""What a code looks like: no card number, and no sentence about a payer."""


@dataclass(frozen=True, slots=True)
class Decline:
    """``soft`` may be tried again, after ``never`` nothing may be with that payment method; ``other`` is not."""

    kind: Literal["soft", "never", "other"]
    code: str


class Declines:
    """By the rules of a policy.  What must never be tried again is, whatever else the answer says."""

    def __init__(self, soft: Sequence[Rule], never: Sequence[Rule] = ()) -> None:
        self._soft = Outcomes(soft)
        self._never = Outcomes(never)

    def of(self, status: int, headers: Headers, body: bytes | None) -> Decline:
        """``body`` is None where it could not be read whole: then it is nothing that may be tried again."""
        try:
            document = orjson.loads(body or b"")
        except orjson.JSONDecodeError:
            document = None
        code = _code(document)
        if _forbidden(document) or self._never.ruled(status, headers, body) is not None:
            return Decline("never", code)
        known = body is not None and self._soft.ruled(status, headers, body) is not None
        return Decline("soft" if known else "other", code)


def decline_rule(status: frozenset[int], header: Mapping[str, str], value: Mapping[str, str], code: str | None) -> Rule:
    """That the answer says all of this."""
    return Rule(Outcome.FAILED, status, header, value, code)


def _code(document: Any) -> str:
    """What the answer calls it."""
    found = (follow(document, tokens) for tokens in _CODES)
    return next((each for each in found if isinstance(each, str) and _WORD.fullmatch(each)), "")


def forbidden(code: str) -> bool:
    """Whether it is, however it is spelled, what card networks forbid to try again."""
    return spelled(code) in NEVER


def spelled(code: str) -> str:
    """As the lists here spell it: ``Stolen Card`` and ``stolenCard`` are ``stolen_card``."""
    return _BETWEEN.sub("_", _HUMP.sub("_", code)).strip("_").lower()


def _forbidden(document: Any) -> bool:
    return any(
        not _FORBIDDEN[name].isdisjoint(_spellings(value))
        for name, value in ((_BETWEEN.sub("", name).lower(), value) for name, value in _members(document))
        if name in _FORBIDDEN
    )


def _spellings(value: Any) -> Iterator[str]:
    """Of a code, or several; also of what stands before a colon or after it, as in ``41 : Stolen card``."""
    for each in value if isinstance(value, list) else (value,):
        text = str(each) if isinstance(each, int) else each
        if isinstance(text, str):
            yield from map(spelled, (text, *text.split(":", 1)))


def _members(document: Any) -> Iterator[tuple[str, Any]]:
    pending = [document]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            yield from node.items()
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
