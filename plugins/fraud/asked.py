"""What people ask of fraud scoring through the API, read and checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from starlette.exceptions import HTTPException

from gateway import Duration, PersonName, Reason, Uncarded

from .emails import mailbox
from .reading import network_of

LIMIT, MOST = 50, 500
LONGEST = 10 * 366 * 86400.0
LABELS = 1000
"""Labels of one request."""

_CARD = re.compile(r"(?:\d[ -]?){12,}")
_ID = r"^(allow|block):([a-z]+:[^\s:]{1,40}:[0-9a-f]{24}|bin:\d{6}|country:[a-z]{2})$"
"""Digests alone, but for what names nobody: what is listed by its id is kept and shown as it is."""

Listed = Literal["customer", "card", "email", "device", "ip", "merchant", "bin", "country"]


class Removing(BaseModel):
    """Which entry of a list: by its id, or by list, kind and value."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=_ID)] | None = None
    list: Literal["allow", "block"] | None = None
    kind: Listed | None = None
    value: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    reason: Reason
    by: PersonName

    @model_validator(mode="after")
    def _which(self) -> Self:
        named = self.list is not None and self.kind is not None and self.value is not None
        if (self.id is None) != named:
            raise ValueError("say id, or list, kind and value")
        return self


class Adding(Removing):
    """``for`` is how long it stays; without it, until it is removed."""

    for_: Annotated[Annotated[Duration, Field(gt=0, le=LONGEST)] | None, Field(alias="for")] = None


class OneLabel(BaseModel):
    """What a payment turned out to be.  ``at`` is when that was said, by default now."""

    model_config = ConfigDict(extra="forbid")

    payment: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,64}$"), Uncarded]
    label: Literal["fraud", "legitimate"]
    source: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
    at: AwareDatetime | None = None


class Labelling(BaseModel):
    model_config = ConfigDict(extra="forbid")

    labels: Annotated[Sequence[OneLabel], Field(min_length=1, max_length=LABELS)]
    by: PersonName


def value_of(kind: str, value: str) -> str:
    """A value as payments have it, of a card its digits or its digest.  HTTPException 400 where none can be like it.

    What is listed and never met would be taken for a protection.
    """
    written = value.strip()
    if kind == "card" and _CARD.match(written):
        written = re.sub(r"[ -]", "", written)
    elif kind == "ip":
        written = _address(written)
    elif kind == "email":
        written = mailbox(written)
    elif kind == "country":
        written = written.lower()
    form = _FORMS.get(kind)
    if not written or (form is not None and not form[0].fullmatch(written)):
        raise HTTPException(400, f"value: {'is empty' if form is None else form[1]}")
    return written


_FORMS = {
    "card": (re.compile(r"\d{12,19}|[^\s:]{1,40}:[0-9a-f]{24}"), "a card is its number, or its key in a decision"),
    "email": (re.compile(r"[^\s@]+@[^\s@]+"), "this is no e-mail address"),
    "ip": (re.compile(r"[0-9a-f.:]+(/64)?"), "say one address; of IPv6 all of its /64 is meant"),
    "bin": (re.compile(r"\d{6}"), "a BIN is six digits"),
    "country": (re.compile(r"[a-z]{2}"), "a country is two letters"),
}
"""What a value of a kind is like, and what is said of one that is not."""


def _address(written: str) -> str:
    """As it counts; empty where it is none."""
    try:
        return network_of(str(ip_address(written.removesuffix("/64") if ":" in written else written)))
    except ValueError:
        return ""


def parameters_of(items: Sequence[tuple[str, str]], known: Sequence[str]) -> dict[str, str]:
    """Each at most once; ``limit`` is 1 to ``MOST``."""
    given: dict[str, str] = {}
    for name, value in items:
        if name not in known or name in given:
            raise HTTPException(400, f"{name}: {'give it once' if name in given else 'there is no such parameter'}")
        given[name] = value
    if not re.fullmatch(r"\d{1,3}", given.get("limit", "1")) or not 1 <= int(given.get("limit", "1")) <= MOST:
        raise HTTPException(400, f"limit: say 1 to {MOST}")
    return given


def moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
