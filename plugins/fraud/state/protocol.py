"""What keeps the state of fraud scoring does, wherever it keeps it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from plugins.fraud.event import Event, Keys
from plugins.fraud.records import View
from plugins.fraud.tallies import Rates


class Views(NamedTuple):
    """What was known of a payment's keys before it."""

    seen: tuple[View, ...]
    """One for each of ``KINDS``; ``NEVER`` where the payment has no such key."""
    labelled: tuple[Rates, ...]
    """One for each of ``TALLIED``."""


class State(Protocol):
    """Records and tallies by key.  Each call is one step that nothing comes between, for each of its keys.

    What it has no room for it forgets early: a key is then as one never seen.  Raises StoreDown where it is away.
    """

    async def observe(self, event: Event) -> Views:
        """What was known before the payment; it is known from now on.  Once per payment, not per attempt of it."""

    async def answered(self, keys: Keys, *, declined: bool) -> None:
        """The bank declined the payment of these keys, or approved it."""

    async def count(self, keys: Keys, at: float, *, frauds: int, payments: int) -> None:
        """A label of a payment became due (``payments`` 1), or was a fraud (``frauds`` 1), or both."""
