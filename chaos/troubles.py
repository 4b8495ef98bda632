"""Troubles: what befalls gateways and their database while payments pass."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from chaos.gateways import Gateway
from chaos.plan import Trouble
from chaos.policy import CLAIM_LEASE, Policy
from chaos.proxy import Proxy
from chaos.shim import Shim, cut_power, settle
from chaos.supervisor import Supervised
from tests.servers import Postgres

NEEDS_SHIM = frozenset({Trouble.UNSYNCED, Trouble.FREEZE, Trouble.CLOCK, Trouble.DISK_FULL})
OF_SQLITE = frozenset({Trouble.UNSYNCED, Trouble.DISK_FULL})
OF_POSTGRES = frozenset({Trouble.DATABASE_RESTART, Trouble.COMMIT_LOST, Trouble.STALL})
JUMPS = (-86_400.0, -3600.0, -60.0, 60.0, 3600.0, 86_400.0)


class Place:
    """What a run troubles.  Without a shim, or a Postgres, some troubles are not to be had."""

    def __init__(
        self,
        gateways: Sequence[Gateway],
        policy: Policy,
        upstream: Supervised,
        *,
        shim: Shim | None,
        postgres: Postgres | None = None,
        proxies: Sequence[Proxy] = (),
    ) -> None:
        self.gateways = gateways
        self.policy = policy
        self.upstream = upstream
        self.shim = shim
        self.postgres = postgres
        self.proxies = proxies

    def possible(self) -> tuple[Trouble, ...]:
        missing = OF_POSTGRES if self.postgres is None else OF_SQLITE
        if self.shim is None:
            missing |= NEEDS_SHIM
        return tuple(trouble for trouble in Trouble if trouble not in missing)


class Troubles:
    """Lets them happen, one after another, at moments drawn from a seed.  ``happened`` counts them."""

    def __init__(self, place: Place, seed: int, *, beyond: tuple[float, float], away: tuple[float, float]) -> None:
        self.happened: Counter[Trouble] = Counter()
        self.files_lost = 0
        self._place = place
        self._beyond = beyond
        self._away = away
        self._draw = random.Random(f"{seed}:troubles")
        self._do: dict[Trouble, Callable[[Gateway], Awaitable[None]]] = {
            Trouble.KILL: self._kill,
            Trouble.UNSYNCED: self._cut_power,
            Trouble.STOP: self._stop,
            Trouble.FREEZE: self._freeze,
            Trouble.RELOAD: self._reload,
            Trouble.ROLLING: self._roll,
            Trouble.DATABASE_RESTART: self._restart_database,
            Trouble.COMMIT_LOST: self._lose_commits,
            Trouble.STALL: self._stall,
            Trouble.DISK_FULL: self._fill_disk,
            Trouble.CLOCK: self._jump,
            Trouble.AWAY: self._take_upstream,
        }

    async def befall(self, trouble: Trouble, times: int) -> None:
        for _ in range(times):
            await self._pause(0.1, 1.0)
            await self._do[trouble](self._draw.choice(self._place.gateways))
            self.happened[trouble] += 1

    async def _pause(self, least: float, most: float) -> None:
        await asyncio.sleep(self._draw.uniform(least, most))

    async def _kill(self, gateway: Gateway) -> None:
        await gateway.kill()
        if self._place.shim is not None:
            await asyncio.to_thread(settle, gateway.folder, self._place.shim.tracked)
        await gateway.start()

    async def _cut_power(self, gateway: Gateway) -> None:
        assert self._place.shim is not None
        await gateway.kill()
        self.files_lost += await asyncio.to_thread(cut_power, gateway.folder, self._place.shim.tracked)
        await gateway.start()

    async def _stop(self, gateway: Gateway) -> None:
        await gateway.pause(CLAIM_LEASE + self._draw.uniform(*self._beyond))

    async def _freeze(self, gateway: Gateway) -> None:
        await gateway.pause(CLAIM_LEASE + self._draw.uniform(*self._beyond), hidden=True)

    async def _reload(self, _: Gateway) -> None:
        self._place.policy.edit()

    async def _roll(self, _: Gateway) -> None:
        for gateway in self._place.gateways:
            await gateway.end()
            if self._place.shim is not None:
                await asyncio.to_thread(settle, gateway.folder, self._place.shim.tracked)
            await gateway.start()

    async def _restart_database(self, _: Gateway) -> None:
        postgres = self._place.postgres
        assert postgres is not None
        await asyncio.to_thread(self._draw.choice([postgres.stop, postgres.kill]))
        await self._pause(0.0, 1.0)
        await asyncio.to_thread(postgres.start)

    async def _lose_commits(self, _: Gateway) -> None:
        proxy = self._draw.choice(self._place.proxies)
        proxy.lose(self._draw.uniform(0.1, 0.6))
        await self._pause(1.0, 2.0)
        proxy.lose(0.0)

    async def _stall(self, _: Gateway) -> None:
        proxy = self._draw.choice(self._place.proxies)
        proxy.stall()
        await self._pause(0.5, CLAIM_LEASE + 1.5)
        proxy.flow()

    async def _take_upstream(self, _: Gateway) -> None:
        await self._place.upstream.away(self._draw.uniform(*self._away))

    async def _fill_disk(self, gateway: Gateway) -> None:
        assert gateway.control is not None
        gateway.control.full(yes=True)
        await self._pause(0.5, 2.0)
        gateway.control.full(yes=False)

    async def _jump(self, gateway: Gateway) -> None:
        """And back: somebody set it wrong, and right again."""
        assert gateway.control is not None
        gateway.control.jump(self._draw.choice(JUMPS))
        await self._pause(0.5, 3.0)
        gateway.control.jump(0.0)
