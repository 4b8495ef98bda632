"""The plan of an entry: from a request's subjects to the keys and rules of its decision, remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway import Exchange, Payment, Principal, Scope

from .apart import Part, split
from .decision import Punishment, Rule
from .options import LimitConfig, RateLimitConfig, rate_of
from .problems import names_of
from .subjects import GLOBAL, Subject, allowed, block_key, digests, subject_of

REMEMBERED = 1024
"""Requests of the same subjects whose keys are known without hashing them again."""

EVERYWHERE = ("ip", "user", "card", "email", "customer")
"""Subjects whose blocks hold wherever they are known, whatever is counted there."""


@dataclass(slots=True)
class Asked:
    """One decision: its keys, those of blocks first, and its arguments."""

    keys: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    """The digest of each key of a block."""
    numbers: list[int] = field(default_factory=list)
    """Of each rule, the number of its limit."""
    rules: list[Rule] = field(default_factory=list)
    arguments: tuple[int, list[Rule]] = (0, [])
    parts: list[Part] = field(default_factory=list)
    """The same, by subject."""


class Plan:
    """What one entry asks of a store.  The same subjects give the same keys, in every gateway with the same salt."""

    def __init__(self, config: RateLimitConfig, scope: Scope) -> None:
        self._limits = config.limits
        self._names = names_of(config.limits)
        self._scope = scope
        self._kinds = list(dict.fromkeys([*EVERYWHERE, *(each.per for each in config.limits if each.per)]))
        self._others: list[Subject] = [subject_of(kind) for kind in self._kinds if kind not in EVERYWHERE]
        self._rules = [_Drawn(each, config, scope.place) for each in config.limits]
        self._known: dict[tuple[Any, ...], Asked] = {}

    def of(self, exchange: Exchange) -> Asked:
        principal, payment = exchange.get(Principal), exchange.get(Payment)
        known: tuple[Any, ...] = (
            exchange.received.client,
            None if principal is None else principal.id,
            None if payment is None else (payment.card and payment.card.hash, payment.email, payment.customer),
        )
        if self._others:
            known += tuple(subject(exchange) for subject in self._others)
        return self._known.get(known) or self._remember(known, exchange)

    def _remember(self, known: tuple[Any, ...], exchange: Exchange) -> Asked:
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        asked = self._known[known] = self._draw({kind: subject_of(kind)(exchange) for kind in self._kinds})
        return asked

    def _draw(self, values: Mapping[str, str | None]) -> Asked:
        asked = Asked()
        named = {kind: digests(self._scope, kind, value) for kind, value in values.items() if value is not None}
        spared = {
            drawn.limit.per
            for drawn in self._rules
            if drawn.limit.per is not None and (value := values[drawn.limit.per]) is not None and drawn.allows(value)
        }
        for kind, found in named.items():
            if kind not in spared:
                asked.blocks += found
        asked.keys = [block_key(digest) for digest in asked.blocks]
        for number, drawn in enumerate(self._rules):
            per = drawn.limit.per
            if per is None:
                drawn.add(asked, number, GLOBAL, self._names[number])
            elif per in named and not drawn.allows(values[per] or ""):
                drawn.add(asked, number, named[per][0], self._names[number])
        asked.arguments = len(asked.blocks), asked.rules
        if not self._scope.store.together:
            asked.parts = split(asked.keys, asked.arguments)
        return asked


class _Drawn:
    """One limit of an entry, as far as it is the same for every request."""

    def __init__(self, limit: LimitConfig, config: RateLimitConfig, place: str) -> None:
        self.limit = limit
        self.allows = allowed(limit.per or "", limit.allow)
        self.count, self.seconds = rate_of(limit.limit)
        sliding = limit.algorithm == "sliding_window"
        self.window = self.seconds if sliding else 0.0
        self.cooldown = config.cooldown if limit.cooldown is None else limit.cooldown
        self.block = (limit.block or config.block) if limit.per is not None else None
        where = f"shared/{limit.shared}" if limit.shared else place
        kind = "" if limit.count == "all" else ":failures"
        self.prefix = f"rate:{where}:{self.count}/{self.seconds:g}:{limit.algorithm}{kind}"
        self.where = where

    def add(self, asked: Asked, number: int, digest: str, name: str) -> None:
        limit, counter = self.limit, f"{self.prefix}:{{{digest}}}"
        key = len(asked.keys)
        asked.keys.append(counter)
        punishment: Any = False
        if self.block is not None or self.cooldown:
            asked.keys += [f"{counter}:strikes", f"{counter}:cooling", f"offences:{{{digest}}}"]
            punishment = self._punishment(key + 1, asked.blocks.index(digest) if digest in asked.blocks else -1, name)
        asked.numbers.append(number)
        asked.rules.append(
            Rule(
                key,
                self.window,
                self.count / self.seconds,
                limit.burst or self.count,
                limit.cost,
                limit.count == "all",
                punishment,
            )
        )

    def _punishment(self, keys: int, block: int, name: str) -> Punishment:
        said = orjson.dumps({"by": "rate_limit", "reason": f"{self.where}: {name} {self.limit.limit}"}).decode()
        if self.block is None or block < 0:
            return Punishment(keys, -1, self.cooldown, 0, 1, 1, 1, 1, said)
        block_ = self.block
        return Punishment(
            keys,
            block,
            self.cooldown,
            block_.after,
            block_.within,
            block_.for_,
            block_.growing,
            block_.longest,
            said,
        )
