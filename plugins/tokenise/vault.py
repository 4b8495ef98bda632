"""The vault: card numbers under tokens, sealed, in the ledger's database."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.routing import BaseRoute, Route

from gateway import Component, DependencyDown, FieldCipher, Job, Measure, Scope, Unreadable, field_message

from .api import Answers
from .known import Known
from .options import VaultConfig
from .problems import VaultUnreadable
from .records import Records, Row
from .tokens import digest, new_token

PURPOSE = "vault"

_CARD = "vault.card"

PURGE_STEPS = 40
"""Of 500 rows each, per run of the job."""

COUNTED = ("made", "hits", "reveals", "unknown", "forgotten", "expired")
"""What is counted since the policy was activated.  A hit is a card that was remembered in this process."""

COUNTS_EVERY = 60.0
"""Seconds between two counts for the metrics: the database reads every row of a tenant for it."""

_AWAY = "The vault is not available."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token for this number.  ``cards`` are its keyed hashes, by the newest salt first; none: a token of its own."""

    number: str
    cards: tuple[str, ...] = ()
    customer: str | None = None
    expires: float | None = None


class Vault(Component[VaultConfig]):
    """Makes tokens, and tells what they stand for; shown at ``/api/v1/vault``.

    One card has one token, also where two gateways see it first at once: a unique index decides, and who lost reads.
    What is remembered in this process are keyed hashes and tokens, no numbers.  DependencyDown where the database is
    away.
    """

    name = "vault"
    Config = VaultConfig

    def __init__(self, config: VaultConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self.counted: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
        self._known = Known(config.known)
        self._making: dict[str, Future[str]] = {}
        self._entries = 0
        _, self._bound = field_message(scope.tenant, PURPOSE, "")
        self._answers = Answers(self, scope)

    def jobs(self) -> Sequence[Job]:
        return [Job("purge", self.purge, self.config.purge), Job("count", self._count, COUNTS_EVERY)]

    def admin_routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/", self._answers.status, methods=["GET"]),
            Route("/forget", self._answers.forget, methods=["POST"]),
        ]

    def measures(self) -> Sequence[Measure]:
        operations: dict[tuple[str, ...], float] = {(name,): count for name, count in self.counted.items()}
        return [
            Measure("entries", "gauge", "Tokens in the vault, of this tenant.", (), {(): self._entries}),
            Measure("remembered", "gauge", "Cards whose tokens are in memory.", (), {(): len(self._known)}),
            Measure("operations_total", "counter", "What was done with tokens.", ("operation",), operations),
        ]

    def cards(self, number: str, customer: str | None) -> tuple[str, ...]:
        """The keyed hashes by which the same card is found again; with a customer, of that customer."""
        return tuple(self.scope.hashes(_CARD, self._message(number, customer)))

    def customers(self, customer: str) -> tuple[str, ...]:
        return tuple(self.scope.hashes("vault.customer", self._bound + customer.encode()))

    def known(self, number: str, customer: str | None) -> str | None:
        """The token of a card that was seen lately, with a customer, of that customer."""
        card = self.scope.hash(_CARD, self._message(number, customer))
        token = self._known.get(card, self.scope.clock.monotonic())
        if token is not None:
            self.counted["hits"] += 1
        return token

    async def token(self, wanted: Wanted) -> str:
        """The token that the vault has of the card, or a new one, once it is committed."""
        if not wanted.cards:
            token = await self._new(wanted)
            assert token is not None  # no other card is in its way
            return token
        card = wanted.cards[0]
        if card not in self._making:
            making = self._making[card] = asyncio.get_running_loop().create_future()
            if not self.scope.tasks.start(self._make(wanted, making), name="vault: a token"):
                del self._making[card]
                raise DependencyDown(_AWAY)
        return await asyncio.shield(self._making[card])

    async def number(self, token: str) -> str | None:
        """What it stands for; None where the vault has no such token that is good, of this tenant."""
        id_ = digest(token)
        sealed = await self._records.sealed(id_, self.scope.tenant)
        if sealed is None:
            self.counted["unknown"] += 1
            return None
        return str(self._opened(id_, sealed)["number"])

    async def forget(self, token: str) -> int:
        return self._forgotten(len(await self._records.forget(digest(token), self.scope.tenant)))

    async def forget_customer(self, customer: str) -> int:
        """All tokens of a customer.  How many there were."""
        return self._forgotten(sum([await self._records.forget_customer(each) for each in self.customers(customer)]))

    async def counts(self) -> list[tuple[str, int, int]]:
        """By key id: entries, and those of them that have expired."""
        return await self._records.counts(self.scope.tenant)

    async def purge(self) -> None:
        self.counted["expired"] += await self._records.purge(PURGE_STEPS)

    @property
    def _records(self) -> Records:
        return Records(self.scope.database)

    @property
    def _cipher(self) -> FieldCipher:
        return self.scope.cipher(PURPOSE)

    def _message(self, number: str, customer: str | None) -> bytes:
        return self._bound + (number if customer is None else f"{number}:{customer}").encode()

    def _forgotten(self, count: int) -> int:
        self._known.clear()
        self.counted["forgotten"] += count
        return count

    async def _make(self, wanted: Wanted, making: Future[str]) -> None:
        """To its end, whoever still waits for it."""
        try:
            making.set_result(await self._found_or_new(wanted))
        except Exception as error:  # noqa: BLE001 - whoever waits raises it
            making.set_exception(error)
        finally:
            making.cancel()
            del self._making[wanted.cards[0]]

    async def _found_or_new(self, wanted: Wanted) -> str:
        token = await self._found(wanted) or await self._new(wanted) or await self._found(wanted)
        if token is None:
            raise DependencyDown(_AWAY)  # forgotten between two looks: it may be asked for again
        return token

    async def _found(self, wanted: Wanted) -> str | None:
        found = await self._records.of_card(wanted.cards)
        if found is None:
            return None
        id_, sealed, left = found
        token = str(self._opened(id_, sealed)["token"])
        self._remember(wanted.cards[0], token, left)
        return token

    async def _new(self, wanted: Wanted) -> str | None:
        """None where somebody else was faster."""
        token = new_token()
        id_ = digest(token)
        sealed = self._cipher.seal(id_, {"number": wanted.number, "token": token})
        card = wanted.cards[0] if wanted.cards else None
        key_id = sealed.split(".")[1]
        row = Row(id_, self.scope.tenant, sealed, key_id, card, wanted.customer, wanted.expires)
        if not await self._records.keep(row):
            return None
        self.counted["made"] += 1
        if card is not None:
            self._remember(card, token, wanted.expires)
        return token

    def _remember(self, card: str, token: str, left: float | None) -> None:
        seconds = self.config.known_for if left is None else min(left, self.config.known_for)
        self._known.put(card, token, self.scope.clock.monotonic() + seconds)

    def _opened(self, id_: str, sealed: str) -> Any:
        try:
            return self._cipher.open(id_, sealed)
        except Unreadable as error:
            self.scope.event("vault_unreadable", severity="critical", id=id_, reason=str(error))
            raise VaultUnreadable(_AWAY) from error

    async def _count(self) -> None:
        self._entries = sum(entries for _, entries, _ in await self.counts())
