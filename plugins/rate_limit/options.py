"""The options of ``rate_limit``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from gateway import Config, Duration, OptionalConfig

_UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_RATE = re.compile(r"(\d{1,9})/(?:(second|minute|hour|day)|(\d{1,6})(s|m|h|d))")
PER = r"^(user|ip|card|email|customer|header:[A-Za-z0-9-]+|fact:[A-Za-z_]\w*\.[A-Za-z_]\w*)$"
LONGEST_PERIOD = 366 * 86400.0


def rate_of(text: str) -> tuple[int, float]:
    """``30/minute`` or ``30/90s``: how many, in how many seconds."""
    found = _RATE.fullmatch(text)
    if found is None:
        raise ValueError(f"write a limit as 30/minute, 5000/hour or 30/90s, not {text!r}")
    seconds = _UNITS[found[2]] if found[2] else int(found[3]) * _UNITS[found[4]]
    return int(found[1]), seconds


def _possible(text: str) -> str:
    count, seconds = rate_of(text)
    if not count:
        raise ValueError("nothing would ever pass: a limit is of one request at least")
    if not 0 < seconds <= LONGEST_PERIOD:
        raise ValueError("a limit is over a second at least, and over a year at most")
    return text


class BlockConfig(Config):
    after: Annotated[int, Field(ge=1, le=1_000_000)]
    """How many refusals put the key on the block list."""

    within: Annotated[Duration, Field(gt=0)]
    """In which time, from the first of them."""

    for_: Annotated[Duration, Field(alias="for", gt=0)]
    """For how long it is then blocked."""

    growing: Annotated[float, Field(ge=1, le=100)] = 1.0
    """How many times longer each next block of the same key is, while the one before is not long over."""

    longest: Annotated[Duration, Field(gt=0)] = 86400.0
    """For how long one is blocked at most, however often it was."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.longest < self.for_:
            raise ValueError("longest is less than for")
        return self


class LimitConfig(Config):
    per: Annotated[str, Field(pattern=PER)] | None = None
    """Whose requests are counted together: `user`, `ip` (IPv6 by /64), `card`, `email`, `customer`,
    `header:NAME` or `fact:NAME.ATTRIBUTE`.  Unset, everybody's."""

    limit: Annotated[str, AfterValidator(_possible)]
    """How many in which time: `30/minute`, `5000/hour`, `30/90s`."""

    burst: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """How many may come at once after a time without any.  Unset, as many as the limit."""

    algorithm: Literal["gcra", "sliding_window"] = "gcra"
    """`gcra`: room comes back evenly, request by request.  `sliding_window`: never more than the limit in any such
    time; room comes back as what took it gets older than that, in twentieths of it."""

    cost: Annotated[int, Field(ge=1, le=1_000_000_000)] = 1
    """How much of the limit a request takes."""

    count: Literal["all", "failures"] = "all"
    """`failures`: only what failed takes of it, once that is known."""

    failures: tuple[Annotated[int, Field(ge=400, le=599)], ...] = (401, 402, 403)
    """The statuses of an answer that count as a failure; so does what the route's `outcomes` call failed."""

    cooldown: Duration | None = None
    """For how long all is refused once this limit was.  Unset, what the filter says."""

    block: BlockConfig | None = None
    """When a key that is refused is blocked.  Unset, what the filter says."""

    allow: tuple[str, ...] = ()
    """Values that it does not count, and that no block holds here; for `ip`, addresses and networks."""

    shared: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")] | None = None
    """Routes whose limits give the same name, key and limit count together.  Unset, it counts within its route."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_./:-]{1,64}$")] | None = None
    """What a client that is refused is told it is called.  Unset, what it counts by."""

    @model_serializer(mode="wrap")
    def _told(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what was left unset: an entry has several, and each says what is special about it."""
        defaults = type(self).model_fields
        return {name: value for name, value in whole(self).items() if getattr(self, name) != defaults[name].default}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for fault in self._faults():
            raise ValueError(fault)
        return self

    def _faults(self) -> Iterator[str]:
        most = rate_of(self.limit)[0] if self.burst is None else self.burst
        if self.burst is not None and self.algorithm == "sliding_window":
            yield "burst is for gcra: a sliding window admits its whole limit at once"
        if self.cost > most:
            yield f"nothing would ever pass: a request costs {self.cost}, and there is never room for more than {most}"
        if self.per is None and (self.block is not None or self.allow):
            yield "block and allow are about a key: say per what it counts"
        if self.count != "failures" and "failures" in self.model_fields_set:
            yield "failures goes with count: failures"
        if self.per == "ip":
            for each in self.allow:
                yield from _no_network(each)


def _no_network(text: str) -> Iterator[str]:
    try:
        ip_network(text)
    except ValueError as error:
        yield f"allow: {error}"


class RateLimitConfig(OptionalConfig):
    limits: Annotated[tuple[LimitConfig, ...], Field(min_length=1, max_length=20)]
    """All of them must have room, or none is taken from."""

    cooldown: Duration = 0.0
    """For how long all is refused by a limit that was once exceeded."""

    block: BlockConfig | None = None
    """When a key that is refused is blocked, wherever there is a `rate_limit`.  Unset, never."""

    failure_mode: Literal["local", "open", "closed"] = "local"  # type: ignore[assignment]  # one more than others have
    """While Redis is away: `local` counts in this process, `open` passes everything, `closed` refuses it with 503."""

    @model_validator(mode="after")
    def _named_apart(self) -> Self:
        names = [each.name for each in self.limits if each.name is not None]
        if len(names) != len(set(names)):
            raise ValueError("two limits have one name")
        counters = [(each.per, rate_of(each.limit), each.algorithm, each.count, each.shared) for each in self.limits]
        if len(counters) != len(set(counters)):
            raise ValueError("two limits are the same")
        return self
