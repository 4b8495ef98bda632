"""The key report: what is known of each key and salt, and what needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gateway.crypto.key_checks import KnownKeys
from gateway.crypto.references import References

Use: TypeAlias = Literal["first", "kept", "missing", "retired", "unknown"]
"""``first`` seals or hashes; ``kept`` opens or recognises.  ``unknown``: no gateway has told what it has."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """``since`` is in seconds since the epoch, None where it was known before that was noted.

    ``stored`` says how many values of each column it has sealed; None of a salt, and where nobody has counted.
    """

    setting: str
    id: str
    use: Use
    since: float | None
    uses: int
    stored: Mapping[str, int] | None = None


async def report(
    known: KnownKeys, present: Mapping[str, Sequence[str]] | None, references: References | None = None
) -> list[KeyState]:
    """``present`` has the ids that a gateway has, by their settings, that in use first.  DatabaseDown as usual."""
    found = await known.all()
    keys = [each.id for each in found if each.setting_seals]
    counts = {} if references is None else await references.counts(keys)
    return [
        KeyState(
            each.kind,
            each.id,
            _use(None if present is None else present.get(each.kind, ()), each.id, retired=each.retired_at is not None),
            each.since,
            each.uses,
            counts.get(each.id) if each.setting_seals else None,
        )
        for each in found
    ]


def _use(present: Sequence[str] | None, identifier: str, *, retired: bool) -> Use:
    if present and identifier in present:
        return "first" if identifier == present[0] else "kept"
    if retired:
        return "retired"
    return "unknown" if present is None else "missing"
