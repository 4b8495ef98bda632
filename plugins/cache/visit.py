"""A visit: what the cache knows of one exchange that it let pass."""

from __future__ import annotations

from collections.abc import Mapping

from gateway import Exchange, GatewayError

from .answers import validating
from .entry import Entry
from .flights import Flight, Landing
from .keys import Asked


class Visit:
    """``why`` is the word of RFC 9211 for its being forwarded.

    ``entry`` is what is kept and was not good enough; ``validating`` whether the upstream is asked only if it changed,
    and ``plain`` is then the request as it was before.  ``flight`` is what it leads; ``followed`` whether it had waited
    for another.
    """

    __slots__ = ("asked", "entry", "flight", "followed", "params", "plain", "requested", "validating", "why")

    def __init__(self, asked: Asked, why: str, requested: float, entry: Entry | None = None) -> None:
        self.asked = asked
        self.why = why
        self.requested = requested
        self.entry = entry
        self.validating = False
        self.plain: Exchange | None = None
        self.flight: Flight | None = None
        self.followed = False
        self.params: Mapping[str, str] = {}
        """Of the route, as its path says them."""

    def ask_only_if_changed(self, exchange: Exchange) -> None:
        """Let the request, which is about to be sent, ask so, where what is kept has a validator."""
        assert self.entry is not None
        if self.entry.etag is not None:
            self.plain = exchange.branch()
        self.validating = validating(exchange.request, self.entry)

    def land(self, how: Landing) -> None:
        """Tell those who wait for it, once."""
        if self.flight is not None:
            self.flight.land(how)
            self.flight = None

    def fail(self, error: GatewayError) -> None:
        if self.flight is not None:
            self.flight.fail(error)
            self.flight = None

    async def leave(self) -> None:
        """At the end of the exchange: where nothing was said of its flight, one of those who wait goes on."""
        if self.flight is not None:
            self.flight.leave()
            self.flight = None
