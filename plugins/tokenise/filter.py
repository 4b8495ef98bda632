from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from gateway import (
    Exchange,
    FieldRefused,
    Fields,
    FieldsConfig,
    Filter,
    Found,
    InvalidJson,
    Principal,
    Reads,
    Scope,
    not_protected,
)

from .options import TokeniseConfig
from .problems import AlreadyToken, NoCardNumber, NoCustomer, NotToken, TokenUnknown, TooManyCards
from .tokens import card_number, digest, is_vault_token, shows, with_last_four
from .vault import Vault, Wanted

MOST = 100
"""Cards of one body: each may be a row of the vault."""


class TokeniseFilter(Filter[TokeniseConfig]):
    """Puts tokens in the place of card numbers, or numbers in the place of tokens.

    All of a body's fields, or none: 422 where one does not fit, and 502 where it is the upstream's answer.  Each number
    that is shown has an entry in the audit trail, which is committed first.  503 where the vault or the trail is away.
    """

    name = "tokenise"
    Config = TokeniseConfig
    seals = True
    shadowable = False

    def __init__(self, config: TokeniseConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self._fields, self._reveal, self._customer = (
            _fields(pointers, config.if_missing)
            for pointers in (config.fields, config.reveal, () if config.customer is None else (config.customer,))
        )
        self._reveals_up = self._reveal is not None and config.reveal_on == "response"
        self.reads = Reads.REQUEST if self._fields or not self._reveals_up else Reads.NOTHING
        if self._reveals_up:
            self.reads |= Reads.RESPONSE
            self.provides_up = ("clear_text",)
        self._vault = scope.component(Vault)

    async def open(self) -> None:
        self.scope.cipher("vault")  # without a key there is no vault

    def protects(self, part: Reads) -> Sequence[str]:
        """Pointers to the fields of requests, or of answers, that it keeps from others, or reveals on purpose."""
        revealed = self.config.reveal if (part is Reads.RESPONSE) == self._reveals_up else ()
        return (*self.config.fields, *revealed) if part is Reads.REQUEST else revealed

    async def on_request(self, exchange: Exchange) -> None:
        if self._fields is not None:
            opened = self._fields.of_request(exchange.request)
            customer = self._customer_of(exchange) if opened.found else None
            opened.put(await self._tokens(opened.found, customer))
        if self._reveal is not None and not self._reveals_up:
            opened = self._reveal.of_request(exchange.request)
            opened.put(await self._numbers(exchange, opened.found))

    async def on_response(self, exchange: Exchange) -> None:
        if self._reveal is None or not self._reveals_up:
            return
        try:
            opened = self._reveal.of_answer(exchange)
            opened.put(await self._numbers(exchange, opened.found))
        except (FieldRefused, InvalidJson) as refused:
            raise not_protected(exchange, refused) from None

    async def _tokens(self, found: Iterable[Found], customer: str | None) -> list[tuple[str, str]]:
        changed: list[tuple[str, str]] = []
        asked: list[tuple[str, Wanted]] = []
        for each in found:
            number = self._number_in(each)
            if number is None:
                continue
            token = None if self.config.one_token_per == "use" else self._vault.known(number, customer)
            if token is None:
                asked.append((each.pointer, self._wanted(number, customer)))
            else:
                changed.append((each.pointer, self._shown(token, number)))
        if asked:
            _bounded(asked, asked[0][0])
            made = await asyncio.gather(*(self._vault.token(wanted) for _, wanted in asked))
            changed += [
                (at, self._shown(token, wanted.number)) for (at, wanted), token in zip(asked, made, strict=True)
            ]
        return changed

    def _number_in(self, found: Found) -> str | None:
        """The number to be tokenised; None where the field stays as it is."""
        if is_vault_token(found.value):
            if self.config.if_token == "pass":
                return None
            raise AlreadyToken(f"{found.pointer} is a token already", pointer=found.pointer)
        number = card_number(found.value)
        if number is None and self.config.if_no_card == "refuse":
            raise NoCardNumber(f"{found.pointer} is no card number", pointer=found.pointer)
        return number

    def _wanted(self, number: str, customer: str | None) -> Wanted:
        vault, per = self._vault, self.config.one_token_per
        cards = () if per == "use" else vault.cards(number, customer)
        return Wanted(number, cards, None if customer is None else vault.customers(customer)[0], self.config.expires)

    def _shown(self, token: str, number: str) -> str:
        return with_last_four(token, number) if self.config.last_four else token

    def _customer_of(self, exchange: Exchange) -> str | None:
        if self._customer is None:
            return None
        found = self._customer.of_request(exchange.request).found
        if len(found) != 1 or not isinstance(found[0].value, str | int) or found[0].value == "":
            at = self.config.customer
            raise NoCustomer(f"{at} names no customer that the token could belong to", pointer=at)
        return str(found[0].value)

    async def _numbers(self, exchange: Exchange, found: Iterable[Found]) -> list[tuple[str, str]]:
        tokens = [(each.pointer, each.value) for each in found if self._is_token(each)]
        if not tokens:
            return []
        _bounded(tokens, tokens[0][0])
        numbers = await asyncio.gather(*(self._vault.number(token) for _, token in tokens))
        changed: list[tuple[str, str]] = []
        for (pointer, token), number in zip(tokens, numbers, strict=True):
            if number is None or not shows(token, number):
                self.scope.event("token_unknown", pointer=pointer)
                raise TokenUnknown(f"The vault has no such token as {pointer} holds", pointer=pointer)
            changed.append((pointer, number))
        await self._audited(exchange, tokens)
        exchange.note("revealed", fields=[pointer for pointer, _ in changed])
        return changed

    def _is_token(self, found: Found) -> bool:
        if is_vault_token(found.value):
            return True
        if self.config.if_clear == "pass":
            return False
        raise NotToken(f"{found.pointer} is no token", pointer=found.pointer)

    async def _audited(self, exchange: Exchange, tokens: list[tuple[str, str]]) -> None:
        """One entry for each, committed before anybody sees a number."""
        caller = exchange.get(Principal)
        principal, ip = None if caller is None else caller.id, exchange.received.client
        await asyncio.gather(
            *(
                self.scope.audit(
                    "vault.reveal",
                    subject=digest(token),
                    principal=principal,
                    ip=ip,
                    route=self.scope.place,
                    request=exchange.id,
                    field=pointer,
                )
                for pointer, token in tokens
            )
        )
        self._vault.counted["reveals"] += len(tokens)


def _fields(pointers: tuple[str, ...], if_missing: str) -> Fields | None:
    return Fields(FieldsConfig.model_validate({"fields": pointers, "if_missing": if_missing})) if pointers else None


def _bounded(each: list[Any], pointer: str) -> None:
    if len(each) > MOST:
        raise TooManyCards(f"The body has more than {MOST} cards", pointer=pointer)
