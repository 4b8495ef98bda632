"""The filter ``cache_clears``: what a request that changes something makes untrue is let go, by rules of the policy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal
from urllib.parse import quote

import orjson
from pydantic import Field, model_validator

from gateway import Config, Delivery, Exchange, Filter, Principal, Reads, Scope, as_text, find

from .component import Cache
from .keys import PURPOSE
from .tags import BLANK, filled
from .tiers import By, Purge

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|(request|response):/.*")


class Rule(Config):
    """What goes: one path whatever its query, all that begins so, a tag, or all that is the caller's.

    Blanks are parameters of this route, `{id}`, or pointers into what was received or answered: `{request:/invoice}`,
    `{response:/customer/id}`.
    """

    path: str | None = None
    """A path, whatever its query."""

    prefix: str | None = None
    """All whose path begins so."""

    tag: str | None = None
    """All that have this tag."""

    principal: Literal["caller"] | None = None
    """All that the caller was answered."""

    of: Literal["everybody", "caller"] = "everybody"
    """Whose: `caller` leaves what other principals were answered."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Rule:
        given = [name for name in ("path", "prefix", "tag", "principal") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("say what goes: one of path, prefix, tag and principal")
        if given[0] in ("path", "prefix") and not self.template.startswith("/"):
            raise ValueError(f"a {given[0]} begins with a slash")
        for blank in BLANK.findall(self.template):
            if not _NAME.fullmatch(blank):
                raise ValueError(f"{{{blank}}}: write {{id}}, {{request:/pointer}} or {{response:/pointer}}")
        return self

    @property
    def by(self) -> By:
        return "path" if self.path is not None else "prefix" if self.prefix is not None else "tag"

    @property
    def template(self) -> str:
        return self.path or self.prefix or self.tag or ""

    @property
    def of_caller(self) -> bool:
        return self.principal is not None or self.of == "caller"


class ClearingConfig(Config):
    rules: list[Rule] = Field(min_length=1, max_length=50)


class Clears(Filter[ClearingConfig]):
    """Once the upstream has done what was asked, or may have: an answer below 400, or none after it was sent.

    The answer waits until it is done, so that whoever has read it reads nothing older.
    """

    name = "cache_clears"
    Config = ClearingConfig
    reruns = True
    shadowable = False

    def __init__(self, config: ClearingConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        templates = " ".join(rule.template for rule in config.rules)
        self.reads = Reads.NOTHING
        if "{request:" in templates:
            self.reads |= Reads.REQUEST
        if "{response:" in templates:
            self.reads |= Reads.RESPONSE
        self.requires = (Principal,) if any(rule.of_caller for rule in config.rules) else ()
        self._cache = scope.component(Cache)
        self._counts = self._cache.counts_of(scope.place)

    async def on_response(self, exchange: Exchange) -> None:
        if exchange.safe or not _may_have_changed(exchange):
            return
        for what in self._purges(exchange):
            await self._cache.purge(what)
            self._counts["cleared"] += 1

    def _purges(self, exchange: Exchange) -> Iterator[Purge]:
        value = _values(exchange)
        for number, rule in enumerate(self.config.rules):
            whose = self.scope.hash(PURPOSE, exchange.require(Principal).id) if rule.of_caller else None
            if rule.principal is not None:
                yield Purge("partition", whose or "")
                continue
            encode = str if rule.by == "tag" else _encoded
            made = filled(rule.template, lambda name, encode=encode: _filled_by(value(name), encode))  # type: ignore[misc]  # bound now
            if made is None:
                exchange.note("cache_not_cleared", rule=number)
                self._counts["not_cleared"] += 1
            else:
                yield Purge(rule.by, made, whose)


def _may_have_changed(exchange: Exchange) -> bool:
    if exchange.error is None:
        return exchange.answer.status < 400
    return exchange.delivery is Delivery.UNKNOWN


def _encoded(text: str) -> str:
    return quote(text, safe="")


def _filled_by(value: str | None, encode: Callable[[str], str]) -> str | None:
    return None if value is None else encode(value)


def _values(exchange: Exchange) -> Callable[[str], str | None]:
    """What stands in a blank, each body parsed at most once."""
    documents: dict[str, Any] = {}

    def value(name: str) -> str | None:
        where, found, pointer = name.partition(":")
        if not found:
            return exchange.params.get(name)
        if where not in documents:
            body = exchange.received.body if where == "request" else exchange.answer.body
            documents[where] = _document(body.data)
        return as_text(find(documents[where], pointer))

    return value


def _document(data: bytes | None) -> Any:
    try:
        return orjson.loads(data or b"")
    except orjson.JSONDecodeError:
        return None
