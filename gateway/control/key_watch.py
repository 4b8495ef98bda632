"""The key watch: keys and salts are compared with those that the database knows, as soon as it can be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.control.start import BadStart
from gateway.crypto.key_checks import KeyChecks, WrongKey
from gateway.crypto.protocol import Keyring
from gateway.crypto.salts import Salts
from gateway.database.protocol import Database, DatabaseDown
from gateway.parts import Check

LOOKS_EVERY = 5.0


class KeyWatch:
    """Compares once.  A wrong key is a bad start where the database can be asked then.

    Else it is told of when it is found, and keeps the gateway from being ready: with it, what is stored could not be
    read, nor a repeat be recognised.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring | None,
        salts: Salts,
        tell: Callable[..., None] = lambda *_, **__: None,
    ) -> None:
        values: dict[str, Mapping[str, str]] = {"HASH_SALT": salts.check_values()}
        if keyring is not None:
            values["ENCRYPTION_KEY"] = keyring.check_values()
        self._checks = KeyChecks(database, values)
        self._database = database
        self._tell = tell
        self._compared = False
        self._wrong: WrongKey | None = None

    async def at_start(self) -> None:
        """BadStart with a line for each that is wrong; nothing where the database is away."""
        try:
            await self._compare()
        except WrongKey as wrong:
            raise BadStart(*wrong.lines) from wrong
        except DatabaseDown:
            return

    def check(self) -> Check:
        return Check("keys", self._run, every=LOOKS_EVERY, readiness="first")

    async def _run(self) -> str:
        if not self._compared and self._wrong is None:
            try:
                await self._compare()
            except DatabaseDown:
                raise RuntimeError("not compared yet with those that the database knows: it is away") from None
            except WrongKey as wrong:
                self._wrong = wrong
                self._tell("wrong_key", source="keys", severity="critical", reasons=list(wrong.lines))
        if self._wrong is not None:
            raise RuntimeError("; ".join(self._wrong.lines))
        return "those that the database knows"

    async def _compare(self) -> None:
        if not self._database.opened:
            raise DatabaseDown
        await self._checks.compare()
        self._compared = True
