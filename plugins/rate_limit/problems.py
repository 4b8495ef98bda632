"""What a client is told that is refused: RFC 9110 ``Retry-After`` and the fields of the IETF's draft.

``RateLimit-Policy`` and ``RateLimit`` are those of draft-ietf-httpapi-ratelimit-headers from -08 on.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from gateway import Rejected

from .options import LimitConfig, rate_of


class RateLimited(Rejected):
    """``violated`` are the names of the limits that had no room."""

    status = 429
    code = "rate_limited"


class Blocked(RateLimited):
    code = "blocked"


def names_of(limits: Sequence[LimitConfig]) -> list[str]:
    """What each is called; two that count by the same are told apart by what they admit."""
    own = [each.name or each.per or "global" for each in limits]
    return [
        f"{name}-{each.limit}" if own.count(name) > 1 and each.name is None else name
        for name, each in zip(own, limits, strict=True)
    ]


def policy_field(names: Sequence[str], limits: Sequence[LimitConfig]) -> str:
    """A quota ``q`` in a window of ``w`` seconds, for each."""
    told = []
    for name, each in zip(names, limits, strict=True):
        count, seconds = rate_of(each.limit)
        told.append(f'"{name}";q={count};w={ceil(seconds)}')
    return ", ".join(told)


def limited(policy: str, waits: Sequence[tuple[str, float]], blocked_for: float = 0.0) -> RateLimited:
    """For limits without room, each with the seconds until it has, and a key that is blocked from now on."""
    seconds = max(1, ceil(max(blocked_for, *(wait for _, wait in waits))))
    state = ", ".join(f'"{name}";r=0;t={max(1, ceil(wait))}' for name, wait in waits)
    names = [name for name, _ in waits]
    return RateLimited(
        f"There is no room in the limit {' and '.join(names)}",
        headers={"retry-after": str(seconds), "ratelimit": state, "ratelimit-policy": policy},
        **{"violated-policies": names},
    )


def blocked(left: float) -> Blocked:
    return Blocked("Requests like this one are refused for now", headers={"retry-after": str(max(1, ceil(left)))})
