"""The key watch: keys and salts are held against what the database knows of them, before they are used."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.audit.protocol import UNKEPT, Auditor
from gateway.control.start import BadStart
from gateway.crypto.key_checks import KeyChecks, KnownKeys, WrongKey
from gateway.crypto.protocol import Keyring
from gateway.crypto.references import References
from gateway.crypto.salts import Salts
from gateway.database.protocol import Database, DatabaseDown
from gateway.parts import Check

if TYPE_CHECKING:
    from gateway.crypto.key_uses import KeyUses
    from gateway.crypto.keyring import LocalKeyring

LOOKS_EVERY = 5.0

KEY, SALT = "ENCRYPTION_KEY", "HASH_SALT"


@dataclass(frozen=True, slots=True)
class LocalKeys:
    """A keyring whose keys this process holds, who counts their uses, and who counts what needs them."""

    keyring: LocalKeyring
    uses: KeyUses


class KeyWatch:
    """Compares once, and each time that there are others.  A wrong key, or one that is missing, is a bad start.

    Where the database comes later it is told of when it is found, and keeps the gateway from being ready: with it, what
    is stored could not be read, nor a repeat be recognised.  A new key opens at once; it seals, and a new salt hashes,
    ``delay`` seconds after the database has first seen it, so that by then every gateway has it.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring | None,
        salts: Salts,
        tell: Callable[..., None] = lambda *_, **__: None,
        *,
        local: LocalKeys | None = None,
        references: References | None = None,
        delay: float = 0.0,
        audit: Callable[[], Auditor] = lambda: UNKEPT,
    ) -> None:
        self.references = references
        self.local = local
        self.known = KnownKeys(database)
        self.rejected: dict[str, str] = {}
        """By kinds, why what their files hold now is not taken."""
        self._keyring = keyring
        self._salts = salts
        self._database = database
        self._tell = tell
        self._delay = delay
        self._audit = audit
        self._orders = {SALT: salts.ids} | ({} if local is None else {KEY: local.keyring.ids})
        self._compared: Mapping[str, Mapping[str, str]] | None = None
        self._wrong: WrongKey | None = None
        self._turn = asyncio.Lock()

    async def at_start(self) -> None:
        """BadStart with a line for each that is wrong; nothing where the database is away."""
        try:
            await self._compare()
        except WrongKey as wrong:
            raise BadStart(*wrong.lines) from wrong
        except DatabaseDown:
            return

    async def take(self, kind: str, other: LocalKeyring | Salts) -> None:
        """Use these instead.  WrongKey where that must not be, DatabaseDown where nobody can tell: old ones stay."""
        async with self._turn:
            await self._judge({kind: other.check_values()})
            compared, leads = self._values(), self._leads(kind)
            before, self._orders[kind] = self._orders[kind], other.ids
            first = await self._first(kind)
            if isinstance(other, Salts):
                self._salts.adopt(other, first)
            elif self.local is not None:
                await self.local.uses.fill(first)
                self.local.keyring.adopt(other, first, self.local.uses.allowance(first))
            self.rejected.pop(kind, None)
            self._wrong, self._compared = None, self._values()
            if (compared, leads) != (self._compared, first):
                self._told(kind, before, other.ids, first)

    def present(self) -> dict[str, tuple[str, ...]]:
        """The ids of what is in force, by their settings; the one in use first."""
        return {kind: tuple(values) for kind, values in self._values().items()}

    def reject(self, kind: str, reason: str) -> None:
        """What its file holds now is not taken; said once for each reason."""
        if self.rejected.get(kind) != reason:
            self.rejected[kind] = reason
            self._tell("keys_rejected", source="keys", severity="critical", setting=kind, reason=reason)
            self._audit().add("key.reject", subject=kind, outcome="refused", detail={"reason": reason})

    def check(self) -> Check:
        return Check("keys", self._run, every=LOOKS_EVERY, readiness="first")

    async def _run(self) -> str:
        if self._wrong is None:
            try:
                await self._keep_up()
            except DatabaseDown:
                if self._compared is None:
                    raise RuntimeError("not compared yet with those that the database knows: it is away") from None
            except WrongKey as wrong:
                self._wrong = wrong
                self._tell("wrong_key", source="keys", severity="critical", reasons=list(wrong.lines))
        if troubles := list(self._troubles()):
            raise RuntimeError("; ".join(troubles))
        return "those that the database knows"

    def _troubles(self) -> Iterator[str]:
        yield from () if self._wrong is None else self._wrong.lines
        for kind, reason in self.rejected.items():
            yield f"{kind}: what its file holds now is not taken, those before it serve on: {reason}"
        if self.local is not None and (trouble := self.local.uses.trouble):
            yield trouble

    async def _keep_up(self) -> None:
        if self._compared != self._values():  # at first; or a plugin's keyring has others
            await self._compare()
        for kind, order in self._orders.items():
            if order[0] != self._leads(kind):
                await self._lead(kind, await self._first(kind))

    async def _compare(self) -> None:
        if not self._database.opened:
            raise DatabaseDown
        async with self._turn:
            await self._judge(self._values())
            for kind in self._orders:
                await self._lead(kind, await self._first(kind))
            self._compared = self._values()

    async def _judge(self, values: Mapping[str, Mapping[str, str]]) -> None:
        await KeyChecks(self._database, values).compare()
        present = values.get(KEY, {})
        if (KEY in values or self._keyring is None) and self.references is not None:
            await self._refuse_missing(present)

    async def _refuse_missing(self, present: Mapping[str, str]) -> None:
        """WrongKey where something stored needs one that is not present; else those are retired from now on."""
        known = [each.id for each in await self.known.all() if each.setting_seals and each.retired_at is None]
        missing = [each for each in known if each not in present]
        assert self.references is not None
        counts = await self.references.counts(missing)
        if lines := [_needed(key, counts[key]) for key in missing if counts[key]]:
            raise WrongKey(*lines)
        for key in missing:
            if await self.known.retire(KEY, key):
                self._tell("key_retired", source="keys", severity="info", key=key)
                self._audit().add("key.retire", subject=key)

    async def _first(self, kind: str) -> str:
        """Of those in force, the one to use: the first that is old enough, or where none is, that known longest."""
        order = self._orders[kind]
        if not self._delay or len(order) == 1:
            return order[0]
        ages = {
            each.id: math.inf if each.age is None else each.age for each in await self.known.all() if each.kind == kind
        }
        longest = max(order, key=lambda each: ages.get(each, 0.0))
        return next((each for each in order if ages.get(each, 0.0) >= self._delay), longest)

    async def _lead(self, kind: str, first: str) -> None:
        before = self._leads(kind)
        if kind == SALT:
            self._salts.adopt(self._salts, first)
        elif self.local is not None:
            keyring, uses = self.local.keyring, self.local.uses
            await uses.fill(first)
            keyring.adopt(keyring, first, uses.allowance(first))
        if self._compared is not None and before != first:
            self._told(kind, self._orders[kind], self._orders[kind], first)

    def _leads(self, kind: str) -> str:
        return self._salts.ids[0] if kind == SALT or self.local is None else self.local.keyring.first

    def _values(self) -> dict[str, Mapping[str, str]]:
        values: dict[str, Mapping[str, str]] = {SALT: self._salts.check_values()}
        if self._keyring is not None:
            values[KEY] = self._keyring.check_values()
        return values

    def _told(self, kind: str, before: Sequence[str], now: Sequence[str], first: str) -> None:
        ids = {"before": ",".join(before), "now": ",".join(now), "first": first}
        self._tell("keys_changed", source="keys", severity="info", setting=kind, **ids)
        self._audit().add("key.rotate", subject=kind, detail=ids)


def _needed(key: str, counts: Mapping[str, int]) -> str:
    where = ", ".join(f"{name}: {number}" for name, number in counts.items())
    return (
        f"{KEY}: the key {key} is missing, and {sum(counts.values())} stored values need it ({where}); put it back "
        "behind the first, and take it away after payguard keys reencrypt. Where it is lost, "
        f"payguard keys retire {key} --lost gives them up"
    )
