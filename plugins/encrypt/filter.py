from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gateway import (
    Exchange,
    FieldCipher,
    Fields,
    Filter,
    Found,
    Reads,
    Scope,
    Unreadable,
    is_token,
)

from .options import Do, EncryptConfig
from .problems import AlreadyEncrypted, FieldUnreadable, NotEncrypted


class EncryptFilter(Filter[EncryptConfig]):
    """Puts tokens in the place of fields, or what they stand for in the place of tokens.

    All of a body's fields, or none: 422 where one does not fit, 400 ``field_unreadable`` where a token does not open,
    and 502 ``answer_not_protected`` for both where it is the upstream's answer.
    """

    name = "encrypt"
    Config = EncryptConfig
    seals = True

    def __init__(self, config: EncryptConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self.reads = _reads(config)
        if config.response == "decrypt":
            self.provides_up = ("clear_text",)
        self._fields = Fields(config)
        self._cipher: FieldCipher | None = None

    async def open(self) -> None:
        self._cipher = self.scope.cipher(self.config.purpose)

    def protects(self, part: Reads) -> Sequence[str]:
        return [each.at for each in self.config.fields] if part in self.reads else ()

    async def on_request(self, exchange: Exchange) -> None:
        if (do := self.config.request) != "leave":
            self._fields.change_request(exchange.request, lambda found: self._changed(exchange, found, do))

    async def on_response(self, exchange: Exchange) -> None:
        if (do := self.config.response) != "leave":
            self._fields.change_answer(exchange, lambda found: self._changed(exchange, found, do))

    def _changed(self, exchange: Exchange, found: Iterable[Found], do: Do) -> list[tuple[str, Any]]:
        change = self._encrypted if do == "encrypt" else self._decrypted
        changed = [(each.pointer, change(each)) for each in found]
        if changed and do == "decrypt":
            exchange.note("revealed", fields=[pointer for pointer, _ in changed])
        return changed

    def _encrypted(self, found: Found) -> Any:
        if is_token(found.value):
            if self.config.if_token == "pass":
                self._opened(found)  # clear text that is dressed up as a token does not pass
                return found.value
            raise AlreadyEncrypted(f"{found.pointer} is encrypted already", pointer=found.pointer)
        assert self._cipher is not None
        return self._cipher.seal(found.field.known_as, found.value)

    def _decrypted(self, found: Found) -> Any:
        if not is_token(found.value):
            if self.config.if_clear == "pass":
                return found.value
            raise NotEncrypted(f"{found.pointer} is not encrypted", pointer=found.pointer)
        return self._opened(found)

    def _opened(self, found: Found) -> Any:
        assert self._cipher is not None
        try:
            return self._cipher.open(found.field.known_as, found.value)
        except Unreadable as error:
            self.scope.event("field_unreadable", pointer=found.pointer, reason=str(error))
            raise FieldUnreadable(f"{found.pointer} cannot be decrypted", pointer=found.pointer) from None


def _reads(config: EncryptConfig) -> Reads:
    reads = Reads.NOTHING
    if config.request != "leave":
        reads |= Reads.REQUEST
    return reads | Reads.RESPONSE if config.response != "leave" else reads
