"""Owners: what the ledger calls a caller.  His own name, unless that may be a card's number or another secret."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.ledger.trail import Masks

Hashes = Callable[[str, str], Sequence[str]]

_PURPOSE = "owner"
_SHORTEST = 10
"""Of a key; a card's number is longer."""


class Owners:
    """Of 13 to 19 random digits two or three in a hundred look like a card: such callers are known by a keyed hash.

    The same caller is always the same; what ``hashes`` says comes first with the salt of now.
    """

    def __init__(self, masks: Masks, hashes: Hashes) -> None:
        self._masks = masks
        self._hashes = hashes

    def known_as(self, caller: str) -> str:
        return self.names(caller)[0]

    def names(self, caller: str) -> Sequence[str]:
        """Whatever the ledger may have of this caller, with the salts that there were."""
        if len(caller) < _SHORTEST or self._masks.document(caller) == caller:
            return (caller,)
        return self._hashes(_PURPOSE, caller)
