"""Key checks: another key or salt under an id that is known is noticed before it does harm."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gateway.database.protocol import Database

_KNOWN = "SELECT kind, id, value FROM key_checks"
_REMEMBER = (
    "INSERT INTO key_checks (kind, id, value, since) VALUES ($1, $2, $3, {now}) ON CONFLICT (kind, id) DO NOTHING"
)
_ALL = "SELECT kind, id, {now} - since, since, uses, retired_at FROM key_checks ORDER BY kind, since, id"
_RETIRE = "UPDATE key_checks SET retired_at = {now} WHERE kind = $1 AND id = $2 AND retired_at IS NULL RETURNING $1"
_RETURN = "UPDATE key_checks SET retired_at = NULL WHERE kind = $1 AND id = $2 AND retired_at IS NOT NULL"


class Known(NamedTuple):
    """A key or salt that the database has seen.  Times are seconds since the epoch, ``age`` is in seconds.

    ``since`` and ``age`` are None where it was seen before that was noted.
    """

    kind: str
    id: str
    age: float | None
    since: float | None
    uses: int
    retired_at: float | None

    @property
    def setting_seals(self) -> bool:
        """Whether it is a key, and no salt."""
        return self.kind == "ENCRYPTION_KEY"


class WrongKey(Exception):
    """``lines`` says of each key that is another one what to do."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class KnownKeys:
    """Those that the database has seen, by their kinds, which are the names of the settings.  DatabaseDown as usual."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[Known]:
        return [Known(*row) for row in await self._database.read(_ALL)]

    async def retire(self, kind: str, identifier: str) -> bool:
        """Whether it was not retired before: nothing that is stored needs it."""
        return bool(await self._database.write(_RETIRE, kind, identifier))


class KeyChecks:
    """Check values of keys and salts, beside those that the database has seen first under the same ids.

    ``values`` has by kind, which is the name of the setting, and id what ``check_values`` of a keyring or of salts
    says.  A check value tells two keys apart, and tells nothing else of them.
    """

    def __init__(self, database: Database, values: Mapping[str, Mapping[str, str]]) -> None:
        self._database = database
        self._values = {(kind, each): value for kind, ids in values.items() for each, value in ids.items()}

    async def compare(self) -> None:
        """Remember those that are new, or back.  WrongKey where one is another; DatabaseDown where nobody can tell."""
        known = await self._known()
        new = [(*key, value) for key, value in self._values.items() if key not in known]
        if new:
            await asyncio.gather(*(self._database.write(_REMEMBER, *each) for each in new))
            known = await self._known()  # another gateway may have been faster, with another key
        if wrong := list(self._wrong(known)):
            raise WrongKey(*wrong)
        await asyncio.gather(*(self._database.write(_RETURN, *key) for key in self._values))

    async def _known(self) -> dict[tuple[str, str], str]:
        return {(str(kind), str(each)): str(value) for kind, each, value in await self._database.read(_KNOWN)}

    def _wrong(self, known: Mapping[tuple[str, str], str]) -> Iterator[str]:
        for (kind, identifier), value in self._values.items():
            if known.get((kind, identifier)) != value:
                yield (
                    f"{kind}: the one with the id {identifier} is not the one that this database knows; put that one "
                    f"back, or give the new one an id of its own before it: new:hex,{identifier}:hex"
                )
