"""Let a backend send out through the gateway: from where it is alone, and without the prefix that names the way."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway import Config, Exchange, Filter, Rejected, Scope, hookimpl


def _network(text: str) -> str:
    return str(ip_network(text))


class EgressConfig(Config):
    prefix: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)+$")]
    """What the backend has before its paths: `/stripe` of `/stripe/v1/charges`. It goes no further."""

    source: Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], Field(alias="from", min_length=1)] = (
        "127.0.0.0/8",
        "::1/128",
    )
    """Networks that may send out here: by default what runs beside the gateway. It is the connection's own address that
    counts, whatever a proxy says of its client."""


class NotAllowedOut(Rejected):
    code = "egress_not_allowed"


class Egress(Filter[EgressConfig]):
    """403 ``egress_not_allowed`` for anybody else: what the filters below decrypt or reveal is for the upstream alone.

    As many segments go as the prefix has: however they are spelled, the route has matched them.
    """

    name = "egress"
    Config = EgressConfig
    shadowable = False

    def __init__(self, config: EgressConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self._segments = config.prefix.count("/")
        self._networks = tuple(ip_network(each) for each in config.source)
        self._known: dict[str, bool] = {}

    async def on_request(self, exchange: Exchange) -> None:
        peer = exchange.received.peer
        if not self._may(peer):
            raise NotAllowedOut("Nothing is sent out from there")
        rest = exchange.request.path.split("/", self._segments + 1)[self._segments + 1 :]
        exchange.request.path = "/" + "".join(rest)

    def _may(self, peer: str) -> bool:
        """Asked of few addresses, so that what was found is kept of some."""
        may = self._known.get(peer)
        if may is None:
            if len(self._known) >= 1000:
                self._known.clear()
            may = self._known[peer] = not _is_address(peer) or any(ip_address(peer) in each for each in self._networks)
        return may


def _is_address(peer: str) -> bool:
    """A socket of the file system has none, and who reaches that is from here."""
    return peer != "unix"


@hookimpl
def register_filters() -> list[type[Egress]]:
    return [Egress]
