from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway import Exchange, FieldRefused, Fields, Filter, Found, Reads, Scope, field_message

from .options import HashConfig


class NotHashable(FieldRefused):
    """Numbers with a fraction, objects and lists are written in many ways, and each would have a hash of its own."""

    code = "field_not_hashable"


class HashFilter(Filter[HashConfig]):
    """Puts ``salt id:hex`` of HMAC-SHA-256 in the place of texts and whole numbers; `payguard hash` computes the same.

    All of a body's fields, or none: 422 where one does not fit, 502 where it is the upstream's answer.
    """

    name = "hash"
    Config = HashConfig

    def __init__(self, config: HashConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self.reads = {
            "request": Reads.REQUEST,
            "response": Reads.RESPONSE,
            "both": Reads.REQUEST | Reads.RESPONSE,
        }[config.on]
        self._fields = Fields(config)

    def protects(self, part: Reads) -> Sequence[str]:
        return [each.at for each in self.config.fields] if part in self.reads else ()

    async def on_request(self, exchange: Exchange) -> None:
        if self.config.on != "response":
            self._fields.change_request(exchange.request, self._hashed)

    async def on_response(self, exchange: Exchange) -> None:
        if self.config.on != "request":
            self._fields.change_answer(exchange, self._hashed)

    def _hashed(self, found: Iterable[Found]) -> list[tuple[str, str]]:
        return [(each.pointer, self._hash(each)) for each in found]

    def _hash(self, found: Found) -> str:
        value = found.value
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise NotHashable(f"{found.pointer} is neither a text nor a whole number", pointer=found.pointer)
        return self.scope.hash(*field_message(self.scope.tenant, self.config.purpose, value, fold=self.config.fold))
