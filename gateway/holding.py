"""Holding: a payment that a filter neither passes on nor refuses waits, durably, for a reviewer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Hold:
    """What a filter that holds payments says of it: at most ``most`` of its route wait, each for ``within`` seconds.

    Then it has failed, and was never sent.  What a reviewer approves is sent from below the filter, ``rate`` a second
    at most, with ``headers`` in the place of the caller's own credentials, which are never stored; their names are in
    small letters.
    """

    most: int
    within: float
    headers: Mapping[str, str] = field(default_factory=dict)
    rate: float = 5.0
