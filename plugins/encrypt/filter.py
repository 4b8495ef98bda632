from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway import Exchange, FieldCipher, Filter, Pattern, Reads, Request, Response, Scope, Unreadable, is_token

from .options import Do, EncryptConfig, FieldEntry
from .problems import (
    AlreadyEncrypted,
    AnswerNotProtected,
    FieldMissing,
    FieldRefused,
    FieldUnreadable,
    NotEncrypted,
)


class EncryptFilter(Filter[EncryptConfig]):
    """Puts tokens in the place of fields, or what they stand for in the place of tokens.

    All of a body's fields, or none: 422 where one does not fit, 400 ``field_unreadable`` where a token does not open,
    and 502 ``answer_not_protected`` for both where it is the upstream's answer.  A request's body must be JSON,
    whatever it says of itself: what cannot be read cannot be protected.  An answer that does not say that it is
    JSON has no fields.
    """

    name = "encrypt"
    Config = EncryptConfig

    def __init__(self, config: EncryptConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self.reads = _reads(config)
        if config.response == "decrypt":
            self.provides_up = ("clear_text",)
        self._fields = [(each, Pattern(each.at)) for each in config.fields]
        self._cipher: FieldCipher | None = None
        self._doing: dict[Do, Callable[[FieldEntry, str, Any], Any]] = {
            "encrypt": self._encrypted,
            "decrypt": self._decrypted,
        }

    async def open(self) -> None:
        self._cipher = self.scope.cipher(self.config.purpose)

    async def on_request(self, exchange: Exchange) -> None:
        if self.config.request != "leave":
            request = exchange.request
            self._protect(exchange, request, request.json() if request.body.data else None, self.config.request)

    async def on_response(self, exchange: Exchange) -> None:
        if self.config.response == "leave" or exchange.error is not None:
            return  # a problem of the gateway's own has none of these fields
        answer = exchange.answer
        try:
            self._protect(exchange, answer, answer.json() if _says_json(answer) else None, self.config.response)
        except FieldRefused as refused:
            exchange.note(refused.code, **refused.members)
            raise AnswerNotProtected("The upstream's answer has a field that does not fit", **refused.members) from None

    def _protect(self, exchange: Exchange, message: Request | Response, document: Any, do: Do) -> None:
        change = self._doing[do]
        changed = [
            (pointer, change(field, pointer, value))
            for field, pattern in self._fields
            for pointer, value in self._found(field, pattern, document)
        ]
        for pointer, value in changed:
            message.edit(pointer, value)
        if document is not None:
            message.edit("", document)  # of a key that came twice, what was not read must not pass
        if changed and do == "decrypt":
            exchange.note("revealed", fields=[pointer for pointer, _ in changed])

    def _found(self, field: FieldEntry, pattern: Pattern, document: Any) -> list[tuple[str, Any]]:
        found = [(pointer, value) for pointer, value in pattern.find(document) if value is not None]
        if not found and (field.if_missing or self.config.if_missing) == "refuse":
            raise FieldMissing(f"{field.at} is missing", pointer=field.at)
        return found

    def _encrypted(self, field: FieldEntry, pointer: str, value: Any) -> Any:
        if is_token(value):
            if self.config.if_token == "pass":
                return value
            raise AlreadyEncrypted(f"{pointer} is encrypted already", pointer=pointer)
        assert self._cipher is not None
        return self._cipher.seal(field.bound, value)

    def _decrypted(self, field: FieldEntry, pointer: str, value: Any) -> Any:
        if not is_token(value):
            if self.config.if_clear == "pass":
                return value
            raise NotEncrypted(f"{pointer} is not encrypted", pointer=pointer)
        assert self._cipher is not None
        try:
            return self._cipher.open(field.bound, value)
        except Unreadable as error:
            self.scope.event("field_unreadable", pointer=pointer, reason=str(error))
            raise FieldUnreadable(f"{pointer} cannot be decrypted", pointer=pointer) from None


def _reads(config: EncryptConfig) -> Reads:
    reads = Reads.NOTHING
    if config.request != "leave":
        reads |= Reads.REQUEST
    return reads | Reads.RESPONSE if config.response != "leave" else reads


def _says_json(answer: Response) -> bool:
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return bool(answer.body.data) and (media_type == "application/json" or media_type.endswith("+json"))
