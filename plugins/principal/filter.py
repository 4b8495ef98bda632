from __future__ import annotations

from typing import TYPE_CHECKING

from gateway import Exchange, Filter, Principal, Scope

from .decision import InvalidToken, Unauthenticated, acceptable, bearer, only
from .options import PrincipalConfig

if TYPE_CHECKING:
    from .tokens import Verifier


class PrincipalFilter(Filter[PrincipalConfig]):
    """Puts a Principal: whom the header names, or whom a verified token names.

    401 ``unauthenticated`` where nobody is named, or somebody by a peer that is not trusted; 401 ``invalid_token``
    for a token that is not good; 400 ``ambiguous_principal`` for a header that is sent twice.
    """

    name = "principal"
    Config = PrincipalConfig
    provides: tuple[type, ...] = (Principal,)

    def __init__(self, config: PrincipalConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        if config.optional:
            self.provides = ()
        self._header = (config.header or "authorization").encode()
        self._verifier: Verifier | None = None

    async def open(self) -> None:
        if self.config.jwt is not None:
            # PyJWT and cryptography take 40 ms and 8 MiB: only where a policy asks for tokens
            from .keys import Known  # noqa: PLC0415
            from .tokens import Verifier  # noqa: PLC0415

            self._verifier = Verifier(self.config.jwt, self.scope.share(self.config, Known), self.scope)
            await self._verifier.open()

    async def on_request(self, exchange: Exchange) -> None:
        value = only(exchange.received.headers, self._header)
        identity = self._named(exchange, value) if self._verifier is None else await self._proven(exchange, value)
        if identity is not None:
            exchange.put(Principal(identity))
        elif not self.config.optional:
            challenge = {} if self._verifier is None else {"www-authenticate": "Bearer"}
            raise Unauthenticated(f"Send {self._header.decode()}", headers=challenge)

    def _named(self, exchange: Exchange, value: str | None) -> str | None:
        if not value:
            return None
        if self.config.source == "trusted" and not exchange.received.trusted:
            exchange.note("untrusted_peer", peer=exchange.received.peer)
            raise Unauthenticated(f"{self._header.decode()} is not believed from this peer")
        if not acceptable(value):
            raise Unauthenticated(f"{self._header.decode()} holds no name that can be used")
        return value

    async def _proven(self, exchange: Exchange, value: str | None) -> str | None:
        token = bearer(value)
        if token is None:
            return None
        assert self._verifier is not None
        try:
            return await self._verifier.identity(token)
        except InvalidToken as error:
            exchange.note("invalid_token", reason=error.reason)
            raise
