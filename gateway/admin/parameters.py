"""What is asked of ``/api/v1/payments``: parameters of a query and a body, read strictly.  Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.ledger.records import Query, State
from gateway.ledger.schedules import Phase
from gateway.spelling import did_you_mean
from gateway.units import seconds

LIMIT, MOST = 50, 500

BodyT = TypeVar("BodyT", bound=BaseModel)

NAMES = (
    "state",
    "route",
    "owner",
    "key",
    "customer",
    "least",
    "most",
    "currency",
    "request_id",
    "older_than",
    "limit",
    "cursor",
)

_NUMBER = re.compile(r"[0-9]{1,18}")
_CURRENCY = re.compile(r"[a-z]{3}")
_CURSOR = re.compile(r"[0-9A-Za-z]{1,64}")
_NAMED = re.compile(r"[0-9A-Za-z][0-9A-Za-z._@+-]{0,63}")


class BadParameter(Exception):
    """``name`` of the parameter; the text says what is wrong with it and how to mend it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Asked:
    """``key`` is a client's own and ``customer`` in clear: what the ledger has of both is made where they are used."""

    query: Query
    key: str | None = None
    customer: str | None = None


def asked_of(given: Iterable[tuple[str, str]]) -> Asked:
    """Of a query's parameters.  One that is empty is as good as none; states may be several.  Raises BadParameter."""
    values: dict[str, str] = {}
    states: list[State] = []
    for name, value in given:
        if name not in NAMES:
            raise BadParameter(name, f"there is no such parameter{did_you_mean(name, NAMES)}")
        if name in values:
            raise BadParameter(name, "give it once")
        if not value.isprintable():
            raise BadParameter(name, "holds a character that cannot be seen")
        if name == "state":
            states += [_state(word.strip()) for word in value.split(",") if word.strip()]
        elif value:
            values[name] = value
    return _asked(values, states)


def _asked(values: dict[str, str], states: list[State]) -> Asked:
    def take(name: str, read: Callable[[str, str], Any]) -> Any:
        return read(name, values[name]) if name in values else None

    query = Query(
        states=tuple(dict.fromkeys(states)),
        route=values.get("route"),
        owner=values.get("owner"),
        request_id=values.get("request_id"),
        least=take("least", _number),
        most=take("most", _number),
        currency=take("currency", _currency),
        older_than=take("older_than", _duration),
        limit=take("limit", limit_of) or LIMIT,
        cursor=take("cursor", _cursor),
    )
    if query.least is not None and query.most is not None and query.least > query.most:
        raise BadParameter("least", f"{query.least} is more than most, which is {query.most}")
    if "key" in values and query.owner is None:
        raise BadParameter("key", "needs owner: a key belongs to the caller who sent it, so give owner as well")
    return Asked(query, values.get("key"), values.get("customer"))


def _state(word: str) -> State:
    try:
        return State(word)
    except ValueError:
        known = ", ".join(State)
        hint = did_you_mean(word, [state.value for state in State])
        raise BadParameter("state", f"there is no state {word!r}; say {known}{hint}") from None


def _number(name: str, value: str) -> int:
    if not _NUMBER.fullmatch(value):
        raise BadParameter(name, f"{value!r} is no amount in minor units: write 1000 for ten euros")
    return int(value)


def _currency(name: str, value: str) -> str:
    if not _CURRENCY.fullmatch(value.lower()):
        raise BadParameter(name, f"{value!r} is no currency: write three letters, as in eur")
    return value.lower()


def _duration(name: str, value: str) -> float:
    try:
        return float(seconds(value))
    except ValueError as error:
        raise BadParameter(name, str(error)) from None


def limit_of(name: str, value: str) -> int:
    if not _NUMBER.fullmatch(value) or not 1 <= int(value) <= MOST:
        raise BadParameter(name, f"say 1 to {MOST}, not {value!r}; next leads to what comes after them")
    return int(value)


def _cursor(name: str, value: str) -> str:
    if not _CURSOR.fullmatch(value):
        raise BadParameter(name, "give what next said, as it was")
    return value


RETRY_NAMES = ("state", "limit", "cursor")
LIVE = (Phase.WAITING, Phase.ATTEMPTING)


@dataclass(frozen=True, slots=True)
class AskedRetries:
    states: Sequence[Phase]
    limit: int
    cursor: str | None


def phases_of(given: Iterable[tuple[str, str]]) -> AskedRetries:
    """Of a query for schedules; those that have not ended, unless it says which.  Raises BadParameter."""
    values: dict[str, str] = {}
    for name, value in given:
        if name not in RETRY_NAMES:
            raise BadParameter(name, f"there is no such parameter{did_you_mean(name, RETRY_NAMES)}")
        if name in values:
            raise BadParameter(name, "give it once")
        values[name] = value
    states = tuple(_phase(word.strip()) for word in values.get("state", "").split(",") if word.strip())
    limit = limit_of("limit", values["limit"]) if values.get("limit") else LIMIT
    return AskedRetries(states or LIVE, limit, _cursor("cursor", values["cursor"]) if values.get("cursor") else None)


def _phase(word: str) -> Phase:
    try:
        return Phase(word)
    except ValueError:
        hint = did_you_mean(word, [phase.value for phase in Phase])
        raise BadParameter("state", f"there is no state {word!r}; say {', '.join(Phase)}{hint}") from None


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided.  ``revision`` is that of the record which they saw, None where they do not say."""

    state: State
    reason: str
    by: str | None = None
    revision: int | None = None


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    state: Literal["succeeded", "failed", "released"]
    reason: str
    by: str | None = None
    revision: int | None = None
    never_executed: bool = False


MEMBERS = tuple(_Body.model_fields)


class _Review(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str
    by: str
    revision: int | None = None


def review_of(body: bytes, state: State) -> Decision:
    """Of a body that approves or rejects a payment that is held: a reviewer has a name.  Raises BadParameter."""
    given = _read(_Review, body, '{"reason": "…", "by": "…"}')
    return Decision(state, _reason(given.reason), _name(given.by), given.revision)


class _Cancellation(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str
    by: str | None = None


def cancellation_of(body: bytes) -> _Cancellation:
    """Of a body that asks that a payment is not tried again: who says so and why.  Raises BadParameter."""
    given = _read(_Cancellation, body, '{"reason": "…"}')
    return _Cancellation(reason=_reason(given.reason), by=_name(given.by))


class _Asker(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    by: str | None = None


def by_of(body: bytes) -> str | None:
    """Of a body that says only who asks, or nothing.  Raises BadParameter."""
    return _name(_read(_Asker, body, '{"by": "…"}').by) if body.strip() else None


def decision_of(body: bytes) -> Decision:
    """Of a body that asks to resolve a payment.  Raises BadParameter."""
    given = _read(_Body, body, '{"state": "succeeded", "reason": "…"}')
    _name(given.by)
    if given.state == "released" and not given.never_executed:
        raise BadParameter(
            "never_executed",
            "a released payment is executed when its key comes again: say true where you know that it was never"
            " executed and never will be",
        )
    if given.state != "released" and given.never_executed:
        raise BadParameter("never_executed", f"goes with released, not with {given.state}")
    return Decision(State(given.state), _reason(given.reason), given.by, given.revision)


def _read(model: type[BodyT], body: bytes, example: str) -> BodyT:
    try:
        return model.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError:
        raise BadParameter("body", f"is no JSON: send {example}") from None
    except ValidationError as invalid:
        raise _bad_member(invalid, tuple(model.model_fields)) from None


def _name(given: str | None) -> str | None:
    if given is not None and not _NAMED.fullmatch(given):
        raise BadParameter("by", "is a name or an e-mail address, of at most 64 letters, digits and . _ @ + -")
    return given


def _reason(given: str) -> str:
    reason = " ".join(given.split())
    if not 3 <= len(reason) <= 500:
        raise BadParameter("reason", f"has {len(reason)} characters: write 3 to 500, such as how you know")
    if not reason.isprintable():
        raise BadParameter("reason", "holds a character that cannot be seen")
    return reason


def _bad_member(invalid: ValidationError, members: Sequence[str]) -> BadParameter:
    error = invalid.errors(include_url=False)[0]
    name = str(error["loc"][0]) if error["loc"] else "body"
    match error["type"]:
        case "missing":
            return BadParameter(name, "is required")
        case "extra_forbidden":
            return BadParameter(name, f"there is no such member{did_you_mean(name, members)}")
    return BadParameter(name, error["msg"].replace("Input should be", "should be", 1))
