"""Key checks: another key or salt under an id that is known is noticed before it does harm."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from gateway.database.protocol import Database

_KNOWN = "SELECT kind, id, value FROM key_checks"
_REMEMBER = "INSERT INTO key_checks (kind, id, value) VALUES ($1, $2, $3) ON CONFLICT (kind, id) DO NOTHING"


class WrongKey(Exception):
    """``lines`` says of each key that is another one what to do."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class KeyChecks:
    """Check values of keys and salts, beside those that the database has seen first under the same ids.

    ``values`` has by kind, which is the name of the setting, and id what ``check_values`` of a keyring or of salts
    says.  A check value tells two keys apart, and tells nothing else of them.
    """

    def __init__(self, database: Database, values: Mapping[str, Mapping[str, str]]) -> None:
        self._database = database
        self._values = {(kind, each): value for kind, ids in values.items() for each, value in ids.items()}

    async def compare(self) -> None:
        """Remember those that are new.  WrongKey where one is another; DatabaseDown where nobody can tell."""
        known = await self._known()
        new = [(*key, value) for key, value in self._values.items() if key not in known]
        if new:
            await asyncio.gather(*(self._database.write(_REMEMBER, *each) for each in new))
            known = await self._known()  # another gateway may have been faster, with another key
        if wrong := list(self._wrong(known)):
            raise WrongKey(*wrong)

    async def _known(self) -> dict[tuple[str, str], str]:
        return {(str(kind), str(each)): str(value) for kind, each, value in await self._database.read(_KNOWN)}

    def _wrong(self, known: Mapping[tuple[str, str], str]) -> Iterator[str]:
        for (kind, identifier), value in self._values.items():
            if known.get((kind, identifier)) != value:
                yield (
                    f"{kind}: the one with the id {identifier} is not the one that this database knows; put that one "
                    f"back, or give the new one an id of its own before it: new:hex,{identifier}:hex"
                )
