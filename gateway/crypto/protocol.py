"""What a keyring does, whoever keeps its keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Unreadable(Exception):
    """Sealed bytes cannot be opened.  The text says why, for people, and holds nothing of the keys."""


class Keyring(Protocol):
    """Seals bytes so that they cannot be read, changed or moved.

    What was sealed opens only with the same ``purpose``, a word of the code, and the same ``bound`` bytes: the place
    that it belongs to.  Both methods are called on the event loop, for each payment: they must not block.
    """

    def seal(self, purpose: str, data: bytes, bound: bytes) -> bytes: ...

    def open(self, purpose: str, sealed: bytes, bound: bytes) -> bytes:
        """Unreadable where the key is missing, or the bytes were changed or moved."""

    def key_of(self, sealed: bytes) -> str:
        """The id of the key that sealed it, which may stand in a token.  Unreadable where it was never sealed."""

    def check_values(self) -> Mapping[str, str]:
        """By the ids of the keys, something that tells another key under the same id, and nothing else of the key.

        That of the key that seals comes first.
        """
